"""Entries of the catalogues become the values they are, or a reason why not."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracemart.extract.catalogue_lines import (
    DATASET_COLUMNS,
    EXPERIMENT_ITEM_COLUMNS,
    MODEL_COLUMNS,
    PROMPT_COLUMNS,
    PROMPT_VERSION_COLUMNS,
    SCORE_CONFIG_COLUMNS,
    SESSION_COLUMNS,
    dataset_line,
    experiment_item_line,
    experiment_line,
    model_line,
    prompt_line,
    prompt_version_line,
    score_config_line,
    session_line,
)
from tracemart.extract.fields import RowError

SCORE_CONFIG = {"id": "c", "name": "c", "dataType": "NUMERIC"}
TIME = "2026-11-22T14:03:00.613Z"


def values(columns: tuple[str, ...], line: str) -> dict[str, str]:
    assert line.endswith("\n")
    return dict(zip(columns, line[:-1].split("\t"), strict=True))


def model(prices: Any) -> dict[str, Any]:
    return {"id": "m", "modelName": "m", "pricingTiers": [{"name": "Standard", "prices": prices}]}


def prices_of(line: str) -> Any:
    return json.loads(values(MODEL_COLUMNS, line)["pricing_tiers"], parse_float=Decimal)[0]["prices"]


@settings(deadline=None)
@given(st.decimals(min_value=0, max_value=10**6, allow_nan=False, allow_infinity=False, places=14))
def test_a_price_as_text_is_the_number_it_writes(price: Decimal) -> None:
    assert Decimal(prices_of(model_line(model({"input": str(price)})))["input"]) == price


def test_a_price_is_the_same_however_it_is_written() -> None:
    written = [prices_of(model_line(model({"input": price}))) for price in ("1.5e-7", "1.5E-07", "0.00000015", 1.5e-7)]

    assert written == [{"input": Decimal("1.5e-7")}] * 4


def test_a_price_that_is_not_set_stays_unset() -> None:
    assert prices_of(model_line(model({"input": None, "output": ""}))) == {"input": None, "output": None}


def test_default_prices_as_text_are_exact() -> None:
    line = model_line(model({}) | {"inputPrice": "1.5e-7", "outputPrice": 6e-07, "totalPrice": ""})

    found = values(MODEL_COLUMNS, line)
    assert Decimal(found["input_price"]) == Decimal("1.5e-7")
    assert Decimal(found["output_price"]) == Decimal("6e-7")
    assert found["total_price"] == ""


@pytest.mark.parametrize("prices", [{"input": "dear"}, {"input": {"price": 1}}, {"input": "NaN"}, [1], None])
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(RowError, match=r"pricingTiers\.prices"):
        model_line(model(prices))


def test_labels_and_tags_have_no_order() -> None:
    one, other = (
        prompt_line({"name": "p", "versions": versions, "labels": labels, "tags": labels})
        for versions, labels in (([2, 10, 1], ["b", "a"]), ([1, 2, 10], ["a", "b"]))
    )

    assert one == other
    found = values(PROMPT_COLUMNS, one)
    assert (found["versions"], found["labels"]) == ("{1,2,10}", '{"a","b"}')


def test_a_prompt_version_is_kept_without_its_text() -> None:
    line = prompt_version_line(
        {"name": "p", "version": 3, "id": "u", "type": "chat", "prompt": [{"content": "private"}], "labels": ["latest"],
         "tags": None, "config": {"temperature": 0.1}, "commitMessage": "shorter", "createdAt": TIME, "updatedAt": TIME}
    )  # fmt: skip

    assert values(PROMPT_VERSION_COLUMNS, line) == {
        "name": "p", "version": "3", "id": "u", "type": "chat", "labels": '{"latest"}', "tags": "{}",
        "config": '{"temperature":0.1}', "commit_message": "shorter", "created_at": TIME, "updated_at": TIME,
    }  # fmt: skip


def test_a_score_config_of_numbers() -> None:
    line = score_config_line(
        {"id": "c", "name": "quality", "dataType": "NUMERIC", "isArchived": False, "minValue": 0, "maxValue": 0.1}
    )

    found = values(SCORE_CONFIG_COLUMNS, line)
    assert (found["min_value"], found["max_value"], found["is_archived"]) == ("0", "0.1", "f")
    assert found["categories"] == ""


def test_a_dataset_without_a_count() -> None:
    found = values(DATASET_COLUMNS, dataset_line({"id": "d", "name": "d", "metadata": {}}))

    assert (found["item_count"], found["metadata"]) == ("", "")


def test_an_item_without_a_dataset() -> None:
    row = {"id": "i", "traceId": "t", "experimentId": "e", "startTime": TIME, "experimentDatasetId": None}

    found = values(EXPERIMENT_ITEM_COLUMNS, experiment_item_line(row))

    assert (found["experiment_dataset_id"], found["start_time"], found["end_time"]) == ("", TIME, "")


def test_a_session() -> None:
    found = values(SESSION_COLUMNS, session_line({"id": "s", "createdAt": TIME, "projectId": "p"}))

    assert found == {"id": "s", "environment": "", "created_at": TIME}


@pytest.mark.parametrize(
    ("make_line", "row", "reason"),
    [
        (prompt_version_line, {"name": "p"}, "version is missing"),
        (prompt_version_line, {"name": "p", "version": 2**31}, "version is too large"),
        (prompt_line, {"name": "p", "versions": [2**31]}, "versions is too large"),
        (prompt_line, {"name": "p", "versions": 1}, "versions is no list of whole numbers"),
        (prompt_line, {"name": "p", "labels": [1]}, "labels is no list of texts"),
        (score_config_line, SCORE_CONFIG | {"maxValue": "much"}, "maxValue is no number"),
        (score_config_line, SCORE_CONFIG | {"categories": {}}, "categories is no list"),
        (score_config_line, {"id": "c", "name": "c"}, "dataType is missing"),
        (dataset_line, {"id": "d"}, "name is missing"),
        (dataset_line, {"id": "d", "name": "d", "itemCount": -1}, "itemCount is negative"),
        (experiment_line, {"id": "e", "name": "e"}, "startTime is missing"),
        (experiment_item_line, {"id": "e", "traceId": "t"}, "experimentId is missing"),
        (session_line, {"id": "s", "createdAt": "2026-11-22T14:03:00"}, "createdAt has no time zone"),
        (session_line, ["s"], "the row is no object"),
    ],
)  # fmt: skip
def test_reasons(make_line: Callable[[Any], str], row: Any, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        make_line(row)

    assert str(caught.value) == reason
