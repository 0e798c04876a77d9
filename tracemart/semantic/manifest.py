"""dbt's semantic manifest as readers need it: of the published marts, not of the schema that the next build fills."""

import json
from typing import Any

from tracemart.build import manifests
from tracemart.settings import Settings

SCHEMA = "marts"


def semantic_manifest(settings: Settings) -> dict[str, Any]:
    """MetricFlow's manifest, its models and its calendar in the schema `marts`. Raises BuildError."""
    manifest: dict[str, Any] = json.loads((manifests(settings) / "semantic_manifest.json").read_text())
    relations = [model["node_relation"] for model in manifest["semantic_models"]]
    relations += [spine["node_relation"] for spine in manifest["project_configuration"]["time_spines"]]
    for relation in relations:
        relation |= {
            "schema_name": SCHEMA,
            "database": None,
            "relation_name": f'"{SCHEMA}"."{relation["alias"]}"',
        }
    return manifest
