"""A stand-in project rebuilt from the v3 rows that a `dual` server answered, with the raw content of its v4 rows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tracemart.standin.prices import pico_of
from tracemart.standin.rows import Metadata, PromptRef, Score, TraceContext
from tracemart.standin.store import KeyPair, ProjectStore, Store
from tracemart.standin.v3.tables import MergedObservation, Session, Trace

from .recorded import RECORDINGS, Entry, answered_rows, entries, milliseconds

DUAL_PROJECT = "proj-dual"
DUAL_PUBLIC_KEY, DUAL_SECRET_KEY = "pk-lf-dual-0001", "sk-lf-dual-0001"
# The updates of recording 20 left a second version of these.
UPDATED_ONCE = ("legacy-gen-1", "legacy-span-1")


def probes(mode: str) -> list[Entry]:
    """The same requests, as a server in this write mode answered them."""
    return list(json.loads((RECORDINGS / f"40_mode_probe_{mode}.json").read_text(encoding="utf-8")))


def dual_store(*, is_cloud: bool = False) -> Store:
    project = ProjectStore(DUAL_PROJECT, "Dual")
    raw = {row["id"]: row for _, row in answered_rows("/api/public/v2/observations", "26")}
    for _, row in answered_rows("/api/public/traces", "21"):
        if row["latency"] != -1:
            project.legacy.traces[row["id"]] = _trace(row, raw["t-" + row["id"]])
    for _, row in answered_rows("/api/public/sessions", "23"):
        created_ms = milliseconds(row["createdAt"])
        project.legacy.sessions[row["id"]] = Session(row["id"], created_ms, row["environment"])
    rows = {row["id"]: row for _, row in answered_rows("/api/public/observations", "22")}
    observations = {key: _observation(row, raw[key]) for key, row in rows.items()}
    older = [replace(observations[key], updated_ms=observations[key].created_ms) for key in UPDATED_ONCE]
    project.add_observations([*older, *observations.values()])
    project.add_scores(_score(row) for row in entries("24")[0]["body"]["data"])
    return Store({DUAL_PROJECT: project}, {DUAL_PROJECT: KeyPair(DUAL_PUBLIC_KEY, DUAL_SECRET_KEY)}, is_cloud=is_cloud)


def _trace(row: dict[str, Any], raw: dict[str, Any]) -> Trace:
    return Trace(
        row["id"], milliseconds(row["timestamp"]), milliseconds(row["createdAt"]), milliseconds(row["updatedAt"]),
        row["name"] or "", row["userId"] or "", row["sessionId"] or "", row["environment"], row["release"] or "",
        row["version"] or "", tuple(row["tags"]), Metadata.of(row["metadata"]), raw["input"], raw["output"],
        row["public"], row["bookmarked"],
    )  # fmt: skip


def _observation(row: dict[str, Any], raw: dict[str, Any]) -> MergedObservation:
    start, end, first = (
        milliseconds(row[key]) if row[key] else None for key in ("startTime", "endTime", "completionStartTime")
    )
    assert start is not None
    usage, costs = row["usageDetails"], row["costDetails"]
    return MergedObservation(
        context=TraceContext(
            row["traceId"], environment=row["environment"], version=row["version"] or "",
            metadata=Metadata.of(row["metadata"]),
        ),
        id=row["id"], parent_id=row["parentObservationId"], type=row["type"], name=row["name"] or "", start_ms=start,
        end_ms=start if end is None else end, created_ms=milliseconds(row["createdAt"]), level=row["level"],
        status_message=row["statusMessage"] or "", completion_ms=first, model=row["model"] or "",
        model_id=row["modelId"] or "", tier_id=raw["usagePricingTierId"], tier_name=raw["usagePricingTierName"],
        parameters=row["modelParameters"] or {}, usage_keys=tuple(usage), usage_values=tuple(usage.values()),
        cost_keys=tuple(costs), cost_values=tuple(pico_of(value) for value in costs.values()),
        prompt=PromptRef(row["promptId"], row["promptName"], row["promptVersion"]) if row["promptName"] else None,
        input=raw["input"], output=raw["output"], updated_ms=milliseconds(row["updatedAt"]), has_end=end is not None,
        has_parameters=row["modelParameters"] is not None,
    )  # fmt: skip


def _score(row: dict[str, Any]) -> Score:
    return Score(
        id=row["id"], name=row["name"], timestamp_ms=milliseconds(row["timestamp"]),
        created_ms=milliseconds(row["createdAt"]), updated_ms=milliseconds(row["updatedAt"]),
        data_type=row["dataType"], value=row["stringValue"] if row["dataType"] == "CATEGORICAL" else row["value"],
        source=row["source"], environment=row["environment"], trace_id=row["traceId"],
        observation_id=row["observationId"], session_id=row["sessionId"], run_id=row["datasetRunId"],
        comment=row["comment"], config_id=row["configId"], metadata=row["metadata"],
    )  # fmt: skip
