"""The recordings, and a stand-in project rebuilt from the rows that they contain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tracemart.standin.evaluation import Dataset, Experiment, ExperimentItem, ScoreConfig
from tracemart.standin.prices import Model, PriceBook, pico_of
from tracemart.standin.rows import Metadata, Observation, PromptRef, PromptVersion, Score, TraceContext, encode
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.timestamps import parse_zoned

RECORDINGS = Path(__file__).parents[2] / "recordings"
PROJECT = "proj-rec"
PUBLIC_KEY, SECRET_KEY = "pk-lf-recording-0001", "sk-lf-recording-0001"

Entry = dict[str, Any]


def entries(name: str) -> list[Entry]:
    """The entries of a recording, named by the start of its file's name."""
    (path,) = RECORDINGS.glob(f"{name}_*.json")
    return list(json.loads(path.read_text(encoding="utf-8")))


def answered_rows(path: str, *names: str) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Every row answered by a path, with the entry it stands in."""
    for name in names:
        for entry in entries(name):
            request = entry.get("request") or {}
            if request.get("path") == path and request.get("method") == "GET" and entry["status"] == 200:
                for row in entry["body"]["data"]:
                    yield entry, row


def recorded_store() -> Store:
    project = ProjectStore(
        PROJECT, "RecordingProject", PriceBook(_custom_models()), [_prompt(row) for row in _prompts()]
    )
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for entry, row in answered_rows("/api/public/v2/observations", "03", "05", "05b", "06", "40_mode_probe_events"):
        known = merged.setdefault((row["id"], row["startTime"]), {})
        asked = httpx.URL(entry["request"]["url"]).params
        whole = "io" in asked.get("fields", "").split(",") or "expandMetadata" in asked
        known.update({key: asked[key] for key in ("name", "userId") if key in asked})
        if tags := _asked_tags(asked.get("filter", "[]")):
            known["tags"] = tags
        known.update({key: value for key, value in row.items() if value is not None and key != "metadata"})
        if "metadata" in row and (whole or "metadata" not in known):
            known["metadata"], known["is_whole"] = row["metadata"], whole
    project.add_observations(_observation(row) for row in merged.values())
    scores: dict[str, dict[str, Any]] = {}
    for _, row in answered_rows("/api/public/v3/scores", "07"):
        scores.setdefault(row["id"], {}).update(row)
    project.add_scores(_score(row) for row in scores.values())
    project.score_configs = [_score_config(row) for _, row in answered_rows("/api/public/score-configs", "11")]
    project.datasets = [_dataset(row) for _, row in answered_rows("/api/public/v2/datasets", "19")]
    project.experiment_items = _experiment_items()
    organization = entries("01")[3]["body"]["data"][0]["organization"]
    return Store({PROJECT: project}, {PROJECT: KeyPair(PUBLIC_KEY, SECRET_KEY)}, organization)


def _asked_tags(text: str) -> list[str]:
    """Tags a filter asks for: the rows of its answer have them, even where their tags were not recorded."""
    try:
        conditions = json.loads(text)
    except ValueError:
        return []
    return [tag for one in conditions if one.get("column") in ("tags", "traceTags") for tag in one["value"]]


def _custom_models() -> list[Model]:
    rows = (row for _, row in answered_rows("/api/public/models", "08") if not row["isLangfuseManaged"])
    return [Model.from_json(row) for row in {row["id"]: row for row in rows}.values()]


def _prompts() -> list[dict[str, Any]]:
    rows = (entry["body"] for entry in entries("09") if entry["status"] == 200 and "prompt" in entry["body"])
    return list({row["id"]: row for row in rows}.values())


def _prompt(row: dict[str, Any]) -> PromptVersion:
    labels = tuple(label for label in row["labels"] if label != "latest")
    created_ms, updated_ms = milliseconds(row["createdAt"]), milliseconds(row["updatedAt"])
    return PromptVersion(row["id"], row["name"], row["version"], row["type"], row["prompt"], created_ms, updated_ms,
                         labels, tuple(row["tags"]), row["config"])  # fmt: skip


def _score_config(row: dict[str, Any]) -> ScoreConfig:
    return ScoreConfig(
        row["id"], row["name"], row["dataType"], milliseconds(row["createdAt"]), milliseconds(row["updatedAt"]),
        row["description"], row["minValue"], row["maxValue"], row["categories"] and tuple(row["categories"]),
        row["isArchived"],
    )  # fmt: skip


def _dataset(row: dict[str, Any]) -> Dataset:
    created_ms, updated_ms = milliseconds(row["createdAt"]), milliseconds(row["updatedAt"])
    return Dataset(row["id"], row["name"], row["description"], created_ms, updated_ms, row["metadata"])


def _experiment_items() -> list[ExperimentItem]:
    runs = {
        row["id"]: Experiment(row["id"], row["name"], row["description"], row["datasetId"])
        for _, row in answered_rows("/api/public/experiments", "19")
    }
    rows = {row["id"]: row for _, row in answered_rows("/api/public/experiment-items", "19")}
    return [
        ExperimentItem(
            runs[row["experimentId"]], row["id"], row["traceId"], row["experimentItemId"],
            milliseconds(row["startTime"]), milliseconds(row["endTime"]), row["level"], row["environment"],
        )
        for row in rows.values()
    ]  # fmt: skip


def milliseconds(text: str) -> int:
    found = parse_zoned(text)
    assert found is not None, text
    return found


def _stored(value: Any, *, is_whole: bool) -> str:
    """A value cut at 200 characters is no JSON any more and stands as it was cut."""
    return value if isinstance(value, str) and len(value) >= 200 and not is_whole else encode(value)


def _observation(row: dict[str, Any]) -> Observation:
    usage, costs = row.get("usageDetails") or {}, row.get("costDetails") or {}
    prompt = (
        PromptRef(row.get("promptId", ""), row["promptName"], row["promptVersion"]) if row.get("promptName") else None
    )
    first = row.get("completionStartTime")
    return Observation(
        context=TraceContext(
            row["traceId"], row.get("userId", ""), row.get("sessionId", ""), row.get("environment", "default"),
            row.get("release", ""), row.get("version", ""), tuple(row.get("tags", ())),
            Metadata({key: _stored(value, is_whole=row["is_whole"]) for key, value in row.get("metadata", {}).items()}),
        ),
        id=row["id"], parent_id=row.get("parentObservationId"), type=row["type"], name=row.get("name", ""),
        start_ms=milliseconds(row["startTime"]), end_ms=milliseconds(row["endTime"]),
        created_ms=milliseconds(row.get("createdAt", row["startTime"])), trace_name=row.get("traceName"),
        level=row.get("level", "DEFAULT"), status_message=row.get("statusMessage", ""),
        completion_ms=milliseconds(first) if first else None, is_root=row.get("isRootObservation", False),
        model=row.get("model", ""), model_id=row.get("internalModelId", ""),
        tier_id=row.get("usagePricingTierId"), tier_name=row.get("usagePricingTierName"),
        parameters=row.get("modelParameters", {}), usage_keys=tuple(usage), usage_values=tuple(usage.values()),
        cost_keys=tuple(costs), cost_values=tuple(pico_of(value) for value in costs.values()),
        prompt=prompt, input=row.get("input"), output=row.get("output"),
    )  # fmt: skip


def _score(row: dict[str, Any]) -> Score:
    subject = row.get("subject") or {"kind": "trace", "id": "unknown"}
    kind = {"trace": "trace_id", "session": "session_id", "experiment": "run_id", "observation": "observation_id"}
    subjects = {kind[subject["kind"]]: subject["id"]} | (
        {"trace_id": subject["traceId"]} if "traceId" in subject else {}
    )
    return Score(
        id=row["id"], name=row["name"], timestamp_ms=milliseconds(row["timestamp"]),
        created_ms=milliseconds(row["createdAt"]), updated_ms=milliseconds(row["updatedAt"]),
        data_type=row["dataType"], value=int(row["value"]) if row["dataType"] == "BOOLEAN" else row["value"],
        source=row["source"], environment=row["environment"], comment=row.get("comment"),
        config_id=row.get("configId"), metadata=row.get("metadata") or {}, **subjects,
    )  # fmt: skip
