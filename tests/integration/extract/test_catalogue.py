"""Models and prompts are kept as versions: from when to when we knew them so."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tracemart.extract.catalogue import MODELS, PROMPT_VERSIONS, PROMPTS, Catalogue, load_catalogue, load_project
from tracemart.extract.client import ProjectIdentity
from tracemart.extract.load import LoadCounts, LoadKey
from tracemart.warehouse import Role, Warehouse

RECORDINGS = Path(__file__).parents[2] / "recordings"

Query = Callable[..., list[tuple[Any, ...]]]


def model(row_id: str, price: float | str = 1e-6, **other: Any) -> dict[str, Any]:
    tier = {"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": {"input": price}}
    return {"id": row_id, "modelName": row_id, "inputPrice": price, "pricingTiers": [tier]} | other


def prompt(name: str, **other: Any) -> dict[str, Any]:
    return {"name": name, "type": "text", "versions": [1], "labels": ["latest"], "tags": [], "lastConfig": {}} | other


def load(warehouse: Warehouse, catalogue: Catalogue, entries: list[Any], *, is_complete: bool = True) -> LoadCounts:
    key = LoadKey("demo", "proj", catalogue.table, "v4")
    with warehouse.connect(Role.LOADER) as connection:
        return load_catalogue(connection, catalogue, key, entries, is_complete=is_complete, run_id=None)


def changes(counts: LoadCounts) -> tuple[int, int, int]:
    return counts.inserted, counts.updated + counts.vanished, counts.unchanged


def test_changed_price_closes_a_version_and_opens_the_next(warehouse: Warehouse, query: Query) -> None:
    assert changes(load(warehouse, MODELS, [model("a"), model("b")])) == (2, 0, 0)
    assert changes(load(warehouse, MODELS, [model("b"), model("a")])) == (0, 0, 2)
    assert changes(load(warehouse, MODELS, [model("a", 2e-6), model("b")])) == (0, 1, 1)

    versions = query("select id, input_price::text, known_to is null, batch_id from raw.models order by id, known_from")
    assert versions == [("a", "0.000001", False, 1), ("a", "0.000002", True, 3), ("b", "0.000001", True, 1)]
    assert query(
        "select count(*) from raw.models old join raw.models new using (instance, project_id, id)"
        " where old.known_to = new.known_from"
    ) == [(1,)]


def test_change_in_a_tier_alone_is_a_new_version(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a")])
    changed = model("a")
    changed["pricingTiers"][0]["prices"]["input_cached_tokens"] = 5e-7

    assert changes(load(warehouse, MODELS, [changed])) == (0, 1, 0)
    price = "(pricing_tiers -> 0 -> 'prices' ->> 'input_cached_tokens')::numeric"
    assert query(f"select {price} from raw.models where known_to is null") == [(Decimal("5e-7"),)]


def test_disappeared_model_is_closed_and_may_come_back(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a"), model("b")])

    assert changes(load(warehouse, MODELS, [model("a")])) == (0, 1, 1)
    assert query("select id from raw.models where known_to is null") == [("a",)]
    assert changes(load(warehouse, MODELS, [model("a"), model("b")])) == (1, 0, 1)
    assert query("select count(*), count(known_to) from raw.models where id = 'b'") == [(2, 1)]


def test_incomplete_listing_closes_nothing(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a"), model("b")])

    assert changes(load(warehouse, MODELS, [model("a")], is_complete=False)) == (0, 0, 1)
    assert query("select count(known_to) from raw.models") == [(0,)]


def test_entry_that_cannot_be_parsed_leaves_its_version(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a"), model("b")])

    counts = load(warehouse, MODELS, [model("a"), model("b", inputPrice="dear"), {"modelName": "c"}, "text"])

    assert (counts.inserted, counts.updated, counts.rejected) == (0, 0, 3)
    assert query("select count(*), count(known_to) from raw.models") == [(2, 0)]
    assert query("select row_id, reason from raw.rejected_rows order by rejected_row_id") == [
        ("b", "inputPrice is no number"),
        (None, "id is missing"),
        (None, "the row is no object"),
    ]


def test_server_before_price_tiers_gives_one_tier(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [{"id": "a", "modelName": "a", "prices": {"input": {"price": 1e-6}}}])

    assert query("select pricing_tiers from raw.models") == [
        ([{"name": "Standard", "isDefault": True, "priority": 0, "conditions": [], "prices": {"input": 1e-6}}],)
    ]


def test_prompt_versions(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, PROMPTS, [prompt("folder/answer")])
    load(warehouse, PROMPTS, [prompt("folder/answer", versions=[1, 2], labels=["latest", "pro duction"], tags=['"'])])

    assert query("select versions, labels, tags, known_to is null from raw.prompts order by known_from") == [
        ([1], ["latest"], [], False),
        ([1, 2], ["latest", "pro duction"], ['"'], True),
    ]


def test_same_model_in_two_projects_is_two_models(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a")])
    with warehouse.connect(Role.LOADER) as connection:
        other = LoadKey("demo", "other", "models", "v4")
        load_catalogue(connection, MODELS, other, [], is_complete=True, run_id=None)

    assert query("select project_id, known_to from raw.models") == [("proj", None)]


def test_renamed_project_is_updated_in_place(warehouse: Warehouse, query: Query) -> None:
    key = LoadKey("demo", "proj", "projects", "v4")

    def load_named(name: str) -> tuple[int, int, int]:
        identity = ProjectIdentity("proj", name, "o", "O", {"cost_center": 7}, None)
        with warehouse.connect(Role.LOADER) as connection:
            return changes(load_project(connection, key, identity, "http://langfuse.test", None))

    assert [load_named("Before"), load_named("Before"), load_named("After")] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert query("select name, metadata, batch_id from raw.projects") == [("After", {"cost_center": 7}, 3)]


def recorded_model(note: str) -> Any:
    """The model that a recorded POST made."""
    for entry in json.loads((RECORDINGS / "18_model_prices_and_repricing.json").read_text()):
        if entry["note"].startswith(note):
            return entry["body"]
    raise LookupError(note)


def test_recorded_price_changes_give_the_history_of_what_was_priced_how(warehouse: Warehouse, query: Query) -> None:
    a = recorded_model("create model version A")
    b = recorded_model("model B")
    c = recorded_model("model C")

    for listed in ([a], [b, a], [b, c, a], [c, a]):
        load(warehouse, MODELS, listed)

    history = query(
        "select model_name, match_pattern, start_date::date::text, input_price, known_to is null,"
        " dense_rank() over (order by known_from), dense_rank() over (order by coalesce(known_to, 'infinity'))"
        " from raw.models where match_pattern = '(?i)^(reprice-llm)$' order by known_from"
    )
    assert history == [
        ("reprice-llm", "(?i)^(reprice-llm)$", None, Decimal("1e-6"), True, 1, 2),
        ("reprice-llm-b", "(?i)^(reprice-llm)$", "2026-11-20", Decimal("1e-5"), False, 2, 1),
        ("reprice-llm-c", "(?i)^(reprice-llm)$", "2027-01-01", Decimal("1e-4"), True, 3, 2),
    ]


def test_model_deleted_and_made_again_is_another_one(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("old", modelName="gpt")])

    assert changes(load(warehouse, MODELS, [model("new", 2e-6, modelName="gpt")])) == (1, 1, 0)

    assert query("select id, known_to is null from raw.models where model_name = 'gpt' order by known_from") == [
        ("old", False), ("new", True),
    ]  # fmt: skip
    assert query("select count(distinct moment) from raw.models, unnest(array[known_from, known_to]) as moment") == [
        (2,)
    ]


def test_renamed_prompt_ends_under_the_one_name_and_begins_under_the_other(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, PROMPTS, [prompt("answer", versions=[1, 2])])
    load(warehouse, PROMPTS, [prompt("support/answer", versions=[1, 2])])

    assert query("select name, known_to is null from raw.prompts order by known_from") == [
        ("answer", False), ("support/answer", True),
    ]  # fmt: skip


def test_price_as_text_is_no_new_version(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a", 1.5e-7)])

    assert changes(load(warehouse, MODELS, [model("a", "1.5e-7")])) == (0, 0, 1)
    assert query("select input_price, pricing_tiers -> 0 -> 'prices' from raw.models") == [
        (Decimal("1.5e-7"), {"input": 1.5e-7})
    ]


def test_entry_listed_twice_is_one_and_the_later_stands(warehouse: Warehouse, query: Query) -> None:
    assert changes(load(warehouse, MODELS, [model("a"), model("b"), model("a", 3e-6)])) == (2, 0, 1)
    assert query("select id, input_price from raw.models order by id") == [
        ("a", Decimal("3e-6")), ("b", Decimal("1e-6")),
    ]  # fmt: skip


def test_key_with_a_character_that_text_cannot_hold(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a\x00\t\\b")])

    assert changes(load(warehouse, MODELS, [model("a\x00\t\\b", inputPrice="dear")])) == (0, 0, 0)
    assert changes(load(warehouse, MODELS, [model("a\x00\t\\b")])) == (0, 0, 1)
    assert query("select id from raw.models where known_to is null") == [("a\ufffd\t\\b",)]


def test_a_load_that_waited_for_another_begins_its_versions_after_it(warehouse: Warehouse, query: Query) -> None:
    """Transactions take their time from their start: the one that started first may come last."""
    load(warehouse, MODELS, [model("a", 1e-6)])
    key = LoadKey("demo", "proj", "models", "v4")
    with warehouse.connect(Role.LOADER) as early:
        early.execute("select now()")
        load(warehouse, MODELS, [model("a", 2e-6)])
        load_catalogue(early, MODELS, key, [model("a", 3e-6)], is_complete=True, run_id=None)

    assert query("select input_price, known_to > known_from from raw.models order by known_from") == [
        (Decimal("1e-6"), True), (Decimal("2e-6"), True), (Decimal("3e-6"), None),
    ]  # fmt: skip


def test_prompt_versions_that_are_listed_but_not_read_stand(warehouse: Warehouse, query: Query) -> None:
    def version(number: int, **other: Any) -> dict[str, Any]:
        return {"name": "p", "version": number, "labels": [], "tags": []} | other

    key = LoadKey("demo", "proj", "prompt_versions", "v4")

    def load_versions(entries: list[Any], listed: list[tuple[str | int, ...]]) -> LoadCounts:
        with warehouse.connect(Role.LOADER) as connection:
            return load_catalogue(
                connection, PROMPT_VERSIONS, key, entries, is_complete=True, run_id=None, also_listed=listed
            )

    load_versions([version(1, labels=["production"]), version(2), version(3)], [])

    unsettled = "select count(*), count(resolved_at) from raw.rejected_rows"
    moved = [version(1), version(2, labels=["production"])]
    assert changes(load_versions(moved, [("p", 1), ("p", 2), ("p", 3)])) == (0, 2, 0)
    assert changes(load_versions([version(2, labels=7)], [("p", 1), ("p", 3)])) == (0, 0, 0)
    assert changes(load_versions([], [("p", 1), ("p", 2)])) == (0, 1, 0)
    assert query(unsettled) == [(1, 0)]
    assert changes(load_versions([version(2, labels=8)], [("p", 1)])) == (0, 0, 0)
    assert query(unsettled) == [(2, 1)]
    assert query("select version, labels from raw.prompt_versions where known_to is null order by version") == [
        (1, []), (2, ["production"]),
    ]  # fmt: skip


def test_rejected_entry_is_settled_once_a_listing_has_it_no_more(warehouse: Warehouse, query: Query) -> None:
    load(warehouse, MODELS, [model("a"), model("b", inputPrice="dear")])
    load(warehouse, MODELS, [model("a"), model("b", inputPrice="dear")])
    load(warehouse, MODELS, [model("a")], is_complete=False)
    assert query("select row_id, resolved_at from raw.rejected_rows") == [("b", None)]

    load(warehouse, MODELS, [model("a"), model("b")])
    assert query("select count(*), count(resolved_at) from raw.rejected_rows") == [(1, 1)]
    load(warehouse, MODELS, [model("a"), model("b", inputPrice="dear")])
    assert query("select count(*), count(resolved_at) from raw.rejected_rows") == [(1, 0)]
