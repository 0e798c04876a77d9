"""Every page that a real v4 server answered is read without loss: PostgreSQL gives each value back as it was sent."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import set_json_loads

from tracemart.extract.catalogue import MODELS, PROMPTS
from tracemart.extract.fields import COPY_OPTIONS
from tracemart.extract.rows import OBSERVATION_COLUMNS, SCORE_COLUMNS, RowMaker, observation_line, score_line
from tracemart.warehouse import Role, Warehouse

RECORDINGS = Path(__file__).parents[2] / "recordings"

OBSERVATION_NAMES = {
    "traceId": "trace_id", "parentObservationId": "parent_observation_id", "isRootObservation": "is_root_observation",
    "statusMessage": "status_message", "userId": "user_id", "sessionId": "session_id", "traceName": "trace_name",
    "startTime": "start_time", "endTime": "end_time", "completionStartTime": "completion_start_time",
    "createdAt": "created_at", "updatedAt": "updated_at", "latency": "latency_seconds",
    "timeToFirstToken": "time_to_first_token_seconds", "internalModelId": "internal_model_id", "modelId": "model_id",
    "modelParameters": "model_parameters", "inputPrice": "input_price", "outputPrice": "output_price",
    "totalPrice": "total_price", "usageDetails": "usage_details", "costDetails": "cost_details",
    "inputUsage": "input_usage", "outputUsage": "output_usage", "totalUsage": "total_usage", "inputCost": "input_cost",
    "outputCost": "output_cost", "totalCost": "total_cost", "usagePricingTierId": "usage_pricing_tier_id",
    "usagePricingTierName": "usage_pricing_tier_name", "promptId": "prompt_id", "promptName": "prompt_name",
    "promptVersion": "prompt_version",
}  # fmt: skip
SCORE_NAMES = {
    "dataType": "data_type", "timestamp": "scored_at", "configId": "config_id", "authorUserId": "author_user_id",
    "queueId": "queue_id", "createdAt": "created_at", "updatedAt": "updated_at",
}  # fmt: skip
MODEL_NAMES = {
    "modelName": "model_name", "matchPattern": "match_pattern", "startDate": "start_date",
    "tokenizerId": "tokenizer_id",
    "isLangfuseManaged": "is_langfuse_managed", "createdAt": "created_at", "inputPrice": "input_price",
    "outputPrice": "output_price", "totalPrice": "total_price", "pricingTiers": "pricing_tiers",
}  # fmt: skip
PROMPT_NAMES = {"lastUpdatedAt": "last_updated_at", "lastConfig": "last_config"}
# `io` is not stored by default; a project reads its own rows; `value` and `subject` are compared apart; a tokenizer's
# configuration counts nothing here, and `prices` are those of the default tier.
NOT_STORED = {
    "observations": {"projectId", "input", "output"},
    "scores": {"projectId", "value", "subject"},
    "models": {"tokenizerConfig", "prices"},
    "prompts": set(),
}

CopiedBack = Callable[[str, tuple[str, ...], RowMaker, list[Any]], list[dict[str, Any]]]


def recorded_rows(path: str) -> Iterator[Any]:
    for file in sorted(RECORDINGS.glob("*.json")):
        entries = json.loads(file.read_text(), parse_float=Decimal)
        for entry in entries if isinstance(entries, list) else []:
            request = entry.get("request") or {}
            if (request.get("method"), request.get("path"), entry.get("status")) == ("GET", path, 200):
                yield from entry["body"]["data"]


def as_sent(path: str) -> tuple[list[Any], list[Any]]:
    """The same rows with exact decimals, to compare with, and as the client parses them."""
    exact = list(recorded_rows(path))
    return exact, [json.loads(json.dumps(row, default=float)) for row in exact]


@pytest.fixture
def copied_back(warehouse: Warehouse) -> CopiedBack:
    """Rows through COPY into the columns of a raw table and back."""

    def copy(table: str, columns: tuple[str, ...], make_line: RowMaker, rows: list[Any]) -> list[dict[str, Any]]:
        listed = ", ".join(columns)
        with warehouse.connect(Role.LOADER) as connection, connection.cursor() as cursor:
            set_json_loads(partial(json.loads, parse_float=Decimal), cursor)
            cursor.execute(f"create temporary table back as select {listed} from raw.{table} limit 0".encode())
            cursor.execute("alter table back add place bigint generated always as identity")
            with cursor.copy(f"copy back ({listed}) from stdin {COPY_OPTIONS}".encode()) as stream:
                for row in rows:
                    stream.write(make_line(row).encode())
            found = cursor.execute(f"select {listed} from back order by place".encode()).fetchall()
            return [dict(zip(columns, row, strict=True)) for row in found]

    return copy


def assert_kept(entity: str, names: dict[str, str], exact: dict[str, Any], kept: dict[str, Any]) -> None:
    for key, value in exact.items():
        if key in NOT_STORED[entity] or key == "metadata":
            continue
        found = kept[names.get(key, key)]
        if isinstance(found, datetime):
            assert found == datetime.fromisoformat(value), key
        elif isinstance(found, Decimal):
            assert found == Decimal(value), key
        elif key == "modelParameters":
            assert found == (value or None), key
        else:
            assert found == (None if value == "" else value), key


def test_recorded_observations(copied_back: CopiedBack) -> None:
    exact, sent = as_sent("/api/public/v2/observations")

    kept = copied_back("observations", OBSERVATION_COLUMNS, observation_line, sent)

    assert len(kept) == len(exact) > 250
    for row, found in zip(exact, kept, strict=True):
        assert_kept("observations", OBSERVATION_NAMES, row, found)


def test_recorded_metadata_is_what_was_sent(copied_back: CopiedBack) -> None:
    exact, sent = as_sent("/api/public/v2/observations")
    rows = [row for row in sent if row.get("metadata")]
    exact = [row for row in exact if row.get("metadata")]

    kept = copied_back("observations", OBSERVATION_COLUMNS, observation_line, rows)

    found_cut = 0
    for row, found in zip(exact, kept, strict=True):
        for name, value in row["metadata"].items():
            if isinstance(value, str) and value.startswith('"'):
                assert found["metadata"][name] == value[1:]
                found_cut += 1
            else:
                assert found["metadata"][name] == value
    assert found_cut


def test_recorded_scores(copied_back: CopiedBack) -> None:
    exact, sent = as_sent("/api/public/v3/scores")

    kept = copied_back("scores", SCORE_COLUMNS, score_line, sent)

    assert len(kept) == len(exact) > 200
    kinds = set()
    for row, found in zip(exact, kept, strict=True):
        assert_kept("scores", SCORE_NAMES, row, found)
        assert found["metadata"] == (row.get("metadata") or None)
        value = row["value"]
        if row["dataType"] == "BOOLEAN":
            assert (found["numeric_value"], found["string_value"]) == (int(value), str(value))
        elif row["dataType"] == "NUMERIC":
            assert (found["numeric_value"], found["string_value"]) == (value, None)
        else:
            assert (found["numeric_value"], found["string_value"]) == (None, value)
        if subject := row.get("subject"):
            kinds.add(subject["kind"])
            assert found["subject_kind"] == subject["kind"]
            assert found[f"{subject['kind']}_id"] == subject["id"]
            assert subject["kind"] != "observation" or found["trace_id"] == subject["traceId"]
    assert {"trace", "observation", "session"} <= kinds


def test_recorded_models(copied_back: CopiedBack) -> None:
    exact, sent = as_sent("/api/public/models")

    kept = copied_back("models", MODELS.columns, MODELS.make_line, sent)

    assert len(kept) == len(exact) > 170
    for row, found in zip(exact, kept, strict=True):
        assert_kept("models", MODEL_NAMES, row, found)
        default: dict[str, Any] = next((tier["prices"] for tier in row["pricingTiers"] if tier["isDefault"]), {})
        assert {name: price["price"] for name, price in row["prices"].items()} == default


def test_recorded_prompts(copied_back: CopiedBack) -> None:
    exact, sent = as_sent("/api/public/v2/prompts")

    kept = copied_back("prompts", PROMPTS.columns, PROMPTS.make_line, sent)

    assert len(kept) == len(exact) > 5
    for row, found in zip(exact, kept, strict=True):
        assert_kept("prompts", PROMPT_NAMES, row, found)


def test_times_come_back_in_utc(copied_back: CopiedBack) -> None:
    row = {"id": "a", "traceId": "b", "type": "SPAN", "startTime": "2026-11-22T03:00:00.613+03:00"}

    (kept,) = copied_back("observations", OBSERVATION_COLUMNS, observation_line, [row])

    assert kept["start_time"] == datetime(2026, 11, 22, 0, 0, 0, 613_000, tzinfo=UTC)
