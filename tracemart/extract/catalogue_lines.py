"""Rows of the catalogues from the JSON of Langfuse's API, as lines of COPY text; all raise RowError."""

from decimal import Decimal
from typing import Any

import orjson

from tracemart.extract import fields
from tracemart.extract.fields import NULL, RowError

MODEL_COLUMNS = (
    "id", "model_name", "match_pattern", "start_date", "unit", "tokenizer_id", "is_langfuse_managed", "created_at",
    "input_price", "output_price", "total_price", "pricing_tiers",
)  # fmt: skip
PROMPT_COLUMNS = ("name", "type", "versions", "labels", "tags", "last_config", "last_updated_at")
PROMPT_VERSION_COLUMNS = (
    "name", "version", "id", "type", "labels", "tags", "config", "commit_message", "created_at", "updated_at",
)  # fmt: skip
SCORE_CONFIG_COLUMNS = (
    "id", "name", "data_type", "is_archived", "min_value", "max_value", "categories", "description", "created_at",
    "updated_at",
)  # fmt: skip
DATASET_COLUMNS = ("id", "name", "description", "metadata", "item_count", "created_at", "updated_at")
EXPERIMENT_COLUMNS = ("id", "name", "description", "dataset_id", "metadata", "start_time", "end_time")
EXPERIMENT_ITEM_COLUMNS = (
    "trace_id", "id", "experiment_id", "experiment_name", "experiment_item_id", "experiment_dataset_id",
    "experiment_item_version", "start_time", "end_time", "level", "environment",
)  # fmt: skip
SESSION_COLUMNS = ("id", "environment", "created_at")


def model_line(row: Any) -> str:
    """MODEL_COLUMNS of one entry of /api/public/models."""
    get = _object(row).get
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("modelName"), "modelName"),
        fields.text(get("matchPattern"), "matchPattern"),
        fields.time(get("startDate"), "startDate"),
        fields.text(get("unit"), "unit"),
        fields.text(get("tokenizerId"), "tokenizerId"),
        fields.flag(get("isLangfuseManaged"), "isLangfuseManaged"),
        fields.time(get("createdAt"), "createdAt"),
        fields.decimal(get("inputPrice"), "inputPrice"),
        fields.decimal(get("outputPrice"), "outputPrice"),
        fields.decimal(get("totalPrice"), "totalPrice"),
        fields.json(_pricing_tiers(row)),
    ]
    return fields.line(values)


def prompt_line(row: Any) -> str:
    """PROMPT_COLUMNS of one entry of /api/public/v2/prompts."""
    get = _object(row).get
    values = [
        fields.required_text(get("name"), "name"),
        fields.text(get("type"), "type"),
        _numbers(get("versions") or [], "versions"),
        _texts(get("labels"), "labels"),
        _texts(get("tags"), "tags"),
        fields.json(get("lastConfig")),
        fields.time(get("lastUpdatedAt"), "lastUpdatedAt"),
    ]
    return fields.line(values)


def prompt_version_line(row: Any) -> str:
    """PROMPT_VERSION_COLUMNS of one answer of /api/public/v2/prompts/{name}."""
    get = _object(row).get
    version = _small(fields.count(get("version"), "version"), "version")
    if version == NULL:
        raise RowError("version is missing")
    values = [
        fields.required_text(get("name"), "name"),
        version,
        fields.text(get("id"), "id"),
        fields.text(get("type"), "type"),
        _texts(get("labels"), "labels"),
        _texts(get("tags"), "tags"),
        fields.json(get("config")),
        fields.text(get("commitMessage"), "commitMessage"),
        fields.time(get("createdAt"), "createdAt"),
        fields.time(get("updatedAt"), "updatedAt"),
    ]
    return fields.line(values)


def score_config_line(row: Any) -> str:
    """SCORE_CONFIG_COLUMNS of one entry of /api/public/score-configs."""
    get = _object(row).get
    categories = get("categories")
    if categories is not None and not isinstance(categories, list):
        raise RowError("categories is no list")
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("name"), "name"),
        fields.required_text(get("dataType"), "dataType"),
        fields.flag(get("isArchived"), "isArchived"),
        fields.decimal(get("minValue"), "minValue"),
        fields.decimal(get("maxValue"), "maxValue"),
        fields.json(categories),
        fields.text(get("description"), "description"),
        fields.time(get("createdAt"), "createdAt"),
        fields.time(get("updatedAt"), "updatedAt"),
    ]
    return fields.line(values)


def dataset_line(row: Any) -> str:
    """DATASET_COLUMNS of one entry of /api/public/v2/datasets, to which `itemCount` was added."""
    get = _object(row).get
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("name"), "name"),
        fields.text(get("description"), "description"),
        fields.json_or_none(get("metadata")),
        fields.count(get("itemCount"), "itemCount"),
        fields.time(get("createdAt"), "createdAt"),
        fields.time(get("updatedAt"), "updatedAt"),
    ]
    return fields.line(values)


def experiment_line(row: Any) -> str:
    """EXPERIMENT_COLUMNS of one entry of /api/public/experiments; the times are those within the asked time."""
    get = _object(row).get
    values = [
        fields.required_text(get("id"), "id"),
        fields.required_text(get("name"), "name"),
        fields.text(get("description"), "description"),
        fields.text(get("datasetId"), "datasetId"),
        fields.json_or_none(get("metadata")),
        fields.required_time(get("startTime"), "startTime"),
        fields.time(get("endTime"), "endTime"),
    ]
    return fields.line(values)


def experiment_item_line(row: Any) -> str:
    """EXPERIMENT_ITEM_COLUMNS of one entry of /api/public/experiment-items."""
    get = _object(row).get
    values = [
        fields.required_text(get("traceId"), "traceId"),
        fields.required_text(get("id"), "id"),
        fields.required_text(get("experimentId"), "experimentId"),
        fields.text(get("experimentName"), "experimentName"),
        fields.text(get("experimentItemId"), "experimentItemId"),
        fields.text(get("experimentDatasetId"), "experimentDatasetId"),
        fields.time(get("experimentItemVersion"), "experimentItemVersion"),
        fields.required_time(get("startTime"), "startTime"),
        fields.time(get("endTime"), "endTime"),
        fields.text(get("level"), "level"),
        fields.text(get("environment"), "environment"),
    ]
    return fields.line(values)


def session_line(row: Any) -> str:
    """SESSION_COLUMNS of one entry of /api/public/sessions."""
    get = _object(row).get
    values = [
        fields.required_text(get("id"), "id"),
        fields.text(get("environment"), "environment"),
        fields.required_time(get("createdAt"), "createdAt"),
    ]
    return fields.line(values)


def _object(row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise RowError("the row is no object")
    return row


def _pricing_tiers(row: dict[str, Any]) -> list[Any]:
    tiers = row.get("pricingTiers")
    if tiers is None:
        # Servers before price tiers have one map of prices: {type: {"price": dollars}}.
        prices = row.get("prices") or {}
        if not isinstance(prices, dict):
            raise RowError("prices is no object")
        flat = {name: price.get("price") for name, price in prices.items() if isinstance(price, dict)}
        tiers = [{"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": flat}]
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        raise RowError("pricingTiers is no list of objects")
    return [{**tier, "prices": _prices(tier.get("prices"))} for tier in tiers]


def _prices(prices: Any) -> dict[str, Any]:
    """{usage type: dollars}, each a JSON number: a price as text, "1.5e-7", is the same price, no new version."""
    if not isinstance(prices, dict):
        raise RowError("pricingTiers.prices is no object")
    return {name: _price(price, name) for name, price in prices.items()}


def _price(price: Any, name: str) -> Any:
    if isinstance(price, str):
        number = fields.decimal(price, f"pricingTiers.prices.{name}")
        return None if number == NULL else orjson.Fragment(format(Decimal(number), "f"))
    if price is not None:
        fields.decimal(price, f"pricingTiers.prices.{name}")
    return price


def _texts(value: Any, name: str) -> str:
    """Labels and tags are a set: a new order is no new version."""
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        value = sorted(value)
    return fields.text_array(value or [], name)


def _numbers(value: Any, name: str) -> str:
    """Versions in ascending order, each as PostgreSQL's integer."""
    numbers = [number for number in fields.count_array(value, name).strip("{}").split(",") if number]
    return "{" + ",".join(sorted((_small(number, name) for number in numbers), key=int)) + "}"


def _small(whole: str, name: str) -> str:
    """A whole number that fits PostgreSQL's integer."""
    if whole != NULL and int(whole) >= 2**31:
        raise RowError(f"{name} is too large")
    return whole
