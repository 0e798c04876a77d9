"""The data dictionary, docs/data-dictionary.md: every column of every mart, from dbt's manifest."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tracemart.build.invocation import manifests
from tracemart.settings import PROJECT_ROOT, Settings

DICTIONARY = PROJECT_ROOT / "docs" / "data-dictionary.md"
_HEAD = """# Data dictionary

Every mart and every column, generated from the dbt project by `python -m tracemart.build.dictionary`; a test fails when
it is not current. Money is in US dollars and exact, times are UTC, days and hours are local to the reporting time zone.
Readers see the schema `marts`.
"""


def data_dictionary(manifest: Mapping[str, Any]) -> str:
    """Markdown with a section per mart and a table of its columns: name, type, description."""
    models = sorted(
        (node for node in manifest["nodes"].values() if node["resource_type"] == "model" and _is_mart(node)),
        key=lambda node: (not node["name"].startswith("fct_"), node["name"]),
    )
    return "\n".join([_HEAD, *map(_section, models)])


def _is_mart(node: Mapping[str, Any]) -> bool:
    return str(node["path"]).startswith("marts/")


def _section(node: Mapping[str, Any]) -> str:
    rows = [
        f"| `{column['name']}` | {column['data_type']} | {_line(column['description'])} |"
        for column in node["columns"].values()
    ]
    head = [f"## {node['name']}", "", _line(node["description"]), "", "| column | type | holds |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write_dictionary(settings: Settings, file: Path = DICTIONARY) -> None:
    """Bring the dictionary to what the dbt project says. Raises BuildError."""
    manifest = json.loads((manifests(settings) / "manifest.json").read_text())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(data_dictionary(manifest))


if __name__ == "__main__":
    write_dictionary(Settings.load())
