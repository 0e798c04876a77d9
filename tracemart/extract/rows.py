"""Rows of raw.observations and raw.scores from the JSON of Langfuse's v4 API, as lines of COPY text.

Keys that are unknown are ignored and field groups that are absent give NULL; enums are kept as the text they are.
Inputs and outputs are kept where they were redacted: *_WITH_IO.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tracemart.extract import fields
from tracemart.extract.chunks import Chunk, Rejected
from tracemart.extract.fields import NULL, RowError
from tracemart.extract.metadata import decoded_metadata

OBSERVATION_COLUMNS = (
    "trace_id", "id", "type", "parent_observation_id", "is_root_observation", "name", "level", "status_message",
    "version", "environment", "bookmarked", "public", "user_id", "session_id", "release", "trace_name", "tags",
    "start_time", "end_time", "completion_start_time", "created_at", "updated_at", "latency_seconds",
    "time_to_first_token_seconds", "model", "internal_model_id", "model_id", "model_parameters", "input_price",
    "output_price", "total_price", "usage_details", "cost_details", "input_usage", "output_usage", "total_usage",
    "input_cost", "output_cost", "total_cost", "usage_pricing_tier_id", "usage_pricing_tier_name", "prompt_id",
    "prompt_name", "prompt_version", "metadata", "start_month",
)  # fmt: skip
OBSERVATION_COLUMNS_WITH_IO = (*OBSERVATION_COLUMNS[:-1], "input", "output", OBSERVATION_COLUMNS[-1])

SCORE_COLUMNS = (
    "id", "name", "source", "data_type", "numeric_value", "string_value", "environment", "scored_at", "subject_kind",
    "trace_id", "observation_id", "session_id", "experiment_id", "comment", "config_id", "metadata", "author_user_id",
    "queue_id", "created_at", "updated_at",
)  # fmt: skip

RowMaker = Callable[[Any], str]
"""From one entry of an answer's `data` to a line of COPY text. Raises RowError."""


def as_sent(row: Any) -> Any:
    """What is kept of an entry where no rule says otherwise, or was applied already."""
    return row


def chunk_of(make_line: RowMaker, allowed: Callable[[Any], Any], rows: Iterable[Any]) -> Chunk:
    """Lines of entries; `allowed` says what of an entry may be kept."""
    lines: list[str] = []
    rejected: list[Rejected] = []
    for row in map(allowed, rows):
        try:
            lines.append(make_line(row))
        except RowError as error:
            rejected.append(Rejected(row, str(error)))
    return Chunk.of_lines(lines, rejected)


def observation_line(row: Any) -> str:
    """OBSERVATION_COLUMNS of one entry of /api/public/v2/observations."""
    return fields.line(_observation_values(row))


def observation_line_with_io(row: Any) -> str:
    """OBSERVATION_COLUMNS_WITH_IO of one entry; what is no text is kept as JSON text."""
    values = _observation_values(row)
    io = [_as_text(row.get("input"), "input"), _as_text(row.get("output"), "output")]
    return fields.line([*values[:-1], *io, values[-1]])


def _observation_values(row: Any) -> list[str]:
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    text, time, decimal, count = fields.text, fields.time, fields.decimal, fields.count
    # Servers name it `model`, their documentation `providedModelName`: langfuse.md, fact 8.
    model = get("model") if "model" in row else get("providedModelName")
    start_time = fields.required_time(get("startTime"), "startTime")
    return [
        fields.required_text(get("traceId"), "traceId"),
        fields.required_text(get("id"), "id"),
        fields.required_text(get("type"), "type"),
        text(get("parentObservationId"), "parentObservationId"),
        fields.flag(get("isRootObservation"), "isRootObservation"),
        text(get("name"), "name"),
        text(get("level"), "level"),
        text(get("statusMessage"), "statusMessage"),
        text(get("version"), "version"),
        text(get("environment"), "environment"),
        fields.flag(get("bookmarked"), "bookmarked"),
        fields.flag(get("public"), "public"),
        text(get("userId"), "userId"),
        text(get("sessionId"), "sessionId"),
        text(get("release"), "release"),
        text(get("traceName"), "traceName"),
        fields.text_array(get("tags"), "tags"),
        start_time,
        time(get("endTime"), "endTime"),
        time(get("completionStartTime"), "completionStartTime"),
        time(get("createdAt"), "createdAt"),
        time(get("updatedAt"), "updatedAt"),
        decimal(get("latency"), "latency"),
        decimal(get("timeToFirstToken"), "timeToFirstToken"),
        text(model, "model"),
        text(get("internalModelId"), "internalModelId"),
        text(get("modelId"), "modelId"),
        fields.json_or_none(get("modelParameters")),
        decimal(get("inputPrice"), "inputPrice"),
        decimal(get("outputPrice"), "outputPrice"),
        decimal(get("totalPrice"), "totalPrice"),
        fields.usage_details(get("usageDetails")),
        fields.cost_details(get("costDetails")),
        count(get("inputUsage"), "inputUsage"),
        count(get("outputUsage"), "outputUsage"),
        count(get("totalUsage"), "totalUsage"),
        decimal(get("inputCost"), "inputCost"),
        decimal(get("outputCost"), "outputCost"),
        decimal(get("totalCost"), "totalCost"),
        text(get("usagePricingTierId"), "usagePricingTierId"),
        text(get("usagePricingTierName"), "usagePricingTierName"),
        text(get("promptId"), "promptId"),
        text(get("promptName"), "promptName"),
        fields.small_count(get("promptVersion"), "promptVersion"),
        fields.json_or_none(decoded_metadata(get("metadata"))),
        fields.month(start_time),
    ]


def score_line(row: Any) -> str:
    """SCORE_COLUMNS of one entry of /api/public/v3/scores."""
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    get = row.get
    text, time = fields.text, fields.time
    data_type = fields.required_text(get("dataType"), "dataType")
    numeric_value, string_value = _score_value(get("value"), data_type)
    kind, trace_id, observation_id, session_id, experiment_id = _score_subject(get("subject"))
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("name"), "name"),
        text(get("source"), "source"),
        data_type,
        numeric_value,
        string_value,
        text(get("environment"), "environment"),
        fields.required_time(get("timestamp"), "timestamp"),
        kind,
        trace_id,
        observation_id,
        session_id,
        experiment_id,
        text(get("comment"), "comment"),
        text(get("configId"), "configId"),
        fields.json_or_none(decoded_metadata(get("metadata"))),
        text(get("authorUserId"), "authorUserId"),
        text(get("queueId"), "queueId"),
        time(get("createdAt"), "createdAt"),
        time(get("updatedAt"), "updatedAt"),
    ]
    return fields.line(values)


def _score_value(value: Any, data_type: str) -> tuple[str, str]:
    """(numeric_value, string_value): a boolean has both, 1 and True, as in Langfuse's own v2 scores."""
    if isinstance(value, bool):
        return ("1", "True") if value else ("0", "False")
    if data_type == "BOOLEAN" and value in (0, 1):
        return ("1", "True") if value else ("0", "False")
    if isinstance(value, int | float):
        return fields.decimal(value, "value"), NULL
    if data_type in ("NUMERIC", "BOOLEAN"):
        raise RowError(f"value is no {'number' if data_type == 'NUMERIC' else 'boolean'}")
    return NULL, _as_text(value, "value")


def _score_subject(subject: Any) -> tuple[str, str, str, str, str]:
    """(subject_kind, trace_id, observation_id, session_id, experiment_id)"""
    if subject is None:
        return NULL, NULL, NULL, NULL, NULL
    if not isinstance(subject, dict):
        raise RowError("subject is no object")
    kind = fields.text(subject.get("kind"), "subject.kind")
    subject_id = fields.text(subject.get("id"), "subject.id")
    trace_id = fields.text(subject.get("traceId"), "subject.traceId")
    if kind == "trace":
        return kind, subject_id, NULL, NULL, NULL
    if kind == "observation":
        return kind, trace_id, subject_id, NULL, NULL
    if kind == "session":
        return kind, trace_id, NULL, subject_id, NULL
    if kind == "experiment":
        return kind, trace_id, NULL, NULL, subject_id
    return kind, trace_id, NULL, NULL, NULL


def _as_text(value: Any, name: str) -> str:
    """Text as it is, anything else as its JSON text."""
    if isinstance(value, dict | list | bool | int | float):
        return fields.json(value)
    return fields.text(value, name)
