"""Rows of raw.observations and raw.scores from the JSON of Langfuse's v3 API, the same as those that v4 gives.

v3 lists traces and observations apart. A server that is upgraded writes each trace as an observation `t-<traceId>`, the
parent of those without one (recordings 20 to 26): v3's rows take that form at once, so that an upgrade changes no key.
What differs nevertheless, for the same data:

- user_id, session_id, release, tags, trace_name, public and bookmarked of an observation are the trace's, by
  v3_traces.fill_from_traces; v4 lost them for rows that were sent days late, and has no trace_name but on the root;
- v4 takes the trace's version for an observation that has none;
- the usage pricing tier is not in v3's lists; a duration of 0 is 0 and not NULL; metadata is not cut at 200 characters;
- prompts and answers come parsed, so that their JSON text may be spaced differently.
"""

from typing import Any

from tracemart.extract import fields
from tracemart.extract.fields import NULL, RowError
from tracemart.extract.rows import score_line

# What an observation has from its trace: see v3_traces.
TRACE_ATTRIBUTES = ("user_id", "session_id", "release", "tags", "trace_name", "public", "bookmarked")

ROOT_COLUMNS = (
    "trace_id", "id", "type", "parent_observation_id", "is_root_observation", "name", "level", "version",
    "environment", "bookmarked", "public", "user_id", "session_id", "release", "trace_name", "tags", "start_time",
    "created_at", "updated_at", "usage_details", "cost_details", "input_usage", "output_usage", "total_usage",
    "total_cost", "metadata", "start_month",
)  # fmt: skip
ROOT_COLUMNS_WITH_IO = (*ROOT_COLUMNS[:-1], "input", "output", "start_month")

OBSERVATION_COLUMNS = (
    "trace_id", "id", "type", "parent_observation_id", "is_root_observation", "name", "level", "status_message",
    "version", "environment", "start_time", "end_time", "completion_start_time", "created_at", "updated_at",
    "latency_seconds", "time_to_first_token_seconds", "model", "internal_model_id", "model_id", "model_parameters",
    "input_price", "output_price", "total_price", "usage_details", "cost_details", "input_usage", "output_usage",
    "total_usage", "input_cost", "output_cost", "total_cost", "prompt_id", "prompt_name", "prompt_version", "metadata",
    "start_month",
)  # fmt: skip
OBSERVATION_COLUMNS_WITH_IO = (*OBSERVATION_COLUMNS[:-1], "input", "output", "start_month")


def root_id(trace_id: str) -> str:
    """The id of the observation that stands for a trace."""
    return f"t-{trace_id}"


def as_root(row: Any) -> Any:
    """An entry of /api/public/traces under the key of the observation that stands for it; what has no id as it is."""
    trace_id = row.get("id") if isinstance(row, dict) else None
    return {**row, "id": root_id(trace_id), "traceId": trace_id} if isinstance(trace_id, str) and trace_id else row


def root_line(row: Any) -> str:
    """ROOT_COLUMNS of one entry that `as_root` made. Raises RowError."""
    return fields.line(_root_values(row))


def root_line_with_io(row: Any) -> str:
    """ROOT_COLUMNS_WITH_IO of one entry that `as_root` made. Raises RowError."""
    *values, month = _root_values(row)
    return fields.line([*values, *_io(row), month])


def observation_line(row: Any) -> str:
    """OBSERVATION_COLUMNS of one entry of /api/public/observations. Raises RowError."""
    return fields.line(_observation_values(row))


def observation_line_with_io(row: Any) -> str:
    """OBSERVATION_COLUMNS_WITH_IO of one entry. Raises RowError."""
    *values, month = _observation_values(row)
    return fields.line([*values, *_io(row), month])


def score_line_of_v2(row: Any) -> str:
    """rows.SCORE_COLUMNS of one entry of /api/public/v2/scores. Raises RowError."""
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    return score_line({**row, "value": _value(row), "subject": _subject(row)})


def _observation_values(row: Any) -> list[str]:
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    text, time, decimal, count = fields.text, fields.time, fields.decimal, fields.count
    trace_id = fields.required_text(get("traceId"), "traceId")
    own_id = fields.required_text(get("id"), "id")
    parent = text(get("parentObservationId"), "parentObservationId")
    # Where an observation has its trace's id, it is the trace's root itself.
    is_root = parent == NULL and own_id == trace_id
    model_id = text(get("modelId"), "modelId")
    start_time = fields.required_time(get("startTime"), "startTime")
    return [
        trace_id,
        own_id,
        fields.required_text(get("type"), "type"),
        parent if parent != NULL or is_root else root_id(trace_id),
        fields.flag(is_root, "isRootObservation"),
        text(get("name"), "name"),
        text(get("level"), "level"),
        text(get("statusMessage"), "statusMessage"),
        text(get("version"), "version"),
        text(get("environment"), "environment"),
        start_time,
        time(get("endTime"), "endTime"),
        time(get("completionStartTime"), "completionStartTime"),
        time(get("createdAt"), "createdAt"),
        time(get("updatedAt"), "updatedAt"),
        decimal(get("latency"), "latency"),
        decimal(get("timeToFirstToken"), "timeToFirstToken"),
        text(get("model"), "model"),
        model_id,
        model_id,
        fields.json_or_none(get("modelParameters")),
        decimal(get("inputPrice"), "inputPrice"),
        decimal(get("outputPrice"), "outputPrice"),
        decimal(get("totalPrice"), "totalPrice"),
        fields.usage_details(get("usageDetails")),
        fields.cost_details(get("costDetails")),
        count(get("promptTokens"), "promptTokens"),
        count(get("completionTokens"), "completionTokens"),
        count(get("totalTokens"), "totalTokens"),
        decimal(get("calculatedInputCost"), "calculatedInputCost"),
        decimal(get("calculatedOutputCost"), "calculatedOutputCost"),
        decimal(get("calculatedTotalCost"), "calculatedTotalCost"),
        text(get("promptId"), "promptId"),
        text(get("promptName"), "promptName"),
        fields.small_count(get("promptVersion"), "promptVersion"),
        fields.json_or_none(get("metadata")),
        fields.month(start_time),
    ]


def _root_values(row: Any) -> list[str]:
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    text, time = fields.text, fields.time
    trace_id = fields.required_text(get("traceId"), "id")
    name = text(get("name"), "name")
    start_time = fields.required_time(get("timestamp"), "timestamp")
    return [
        trace_id,
        fields.required_text(get("id"), "id"),
        "SPAN",
        NULL,
        fields.flag(True, "isRootObservation"),
        name,
        "DEFAULT",
        text(get("version"), "version"),
        text(get("environment"), "environment"),
        fields.flag(get("bookmarked"), "bookmarked"),
        fields.flag(get("public"), "public"),
        text(get("userId"), "userId"),
        text(get("sessionId"), "sessionId"),
        text(get("release"), "release"),
        name,
        fields.text_array(get("tags"), "tags"),
        start_time,
        time(get("createdAt"), "createdAt"),
        time(get("updatedAt"), "updatedAt"),
        fields.usage_details({}),
        fields.cost_details({}),
        *["0"] * 4,
        fields.json_or_none(get("metadata")),
        fields.month(start_time),
    ]


def _io(row: dict[str, Any]) -> list[str]:
    """Prompt and answer: text as it is, anything else as its JSON text."""
    sent = (row.get("input"), row.get("output"))
    return [fields.text(value, "input") if isinstance(value, str) else fields.json(value) for value in sent]


def _value(row: dict[str, Any]) -> Any:
    """v2 has a number beside each text, v3 the one that counts."""
    if row.get("dataType") in ("NUMERIC", "BOOLEAN"):
        return row.get("value")
    said = row.get("stringValue")
    return row.get("value") if said is None else said


def _subject(row: dict[str, Any]) -> dict[str, Any] | None:
    """What /api/public/v3/scores calls the subject: the first of run, observation, session and trace that is named."""
    if row.get("datasetRunId"):
        return {"kind": "experiment", "id": row["datasetRunId"]}
    if row.get("observationId"):
        return {"kind": "observation", "id": row["observationId"], "traceId": row.get("traceId")}
    if row.get("sessionId"):
        return {"kind": "session", "id": row["sessionId"]}
    return {"kind": "trace", "id": row["traceId"]} if row.get("traceId") else None
