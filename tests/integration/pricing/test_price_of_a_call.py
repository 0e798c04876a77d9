"""Whose price a call has, and what it then costs: through dbt's own models, on price lists of a few lines."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from psycopg.types.json import Jsonb

from tests.integration.pricing.conftest import NOON, PriceBook

pytestmark = pytest.mark.slow
usd = Decimal

MILLION = {"input": 1_000_000}
MINI = "select prices::text from intermediate.int_prices_dated as prices where model = 'mini' order by 1"
PRICES = {"input": "0.000002", "output": "0.000008"}


def test_the_most_trusted_list_prices_a_call(book: PriceBook) -> None:
    book.names(gpt="x/gpt", mini="x/mini", own="x/gpt", house=None, stranger=None)
    for ref in ("x/gpt", "x/mini"):
        book.price("genai-prices", ref, PRICES)
    book.price("team", "gpt by hand", {"input": "0.000001"}, model="gpt", cost_basis="negotiated")
    book.price("team", "our GPUs", {"input": "0.0000003"}, model_pattern="^house", cost_basis="self_hosted")
    book.langfuse_model("own", "(?i)^(own|gpt)$", {"prices": {"input": 7e-6}})
    book.langfuse_model("built-in", "^(mini|stranger)$", {"prices": {"input": 9e-6}}, is_langfuse_managed=True)
    for model in ("gpt", "mini", "own", "house", "stranger", "unheard-of", None):
        book.call(str(model), model, MILLION)
    # Two projects may have two prices for one name.
    book.call("own in another project", "own", MILLION, project_id="p2")
    book.call("recorded", "unheard-of", MILLION, recorded_cost_usd=usd("0.4"), recorded_input_cost_usd=usd("0.3"))

    priced = book.priced()

    said = {name: (row["cost_usd"], row["cost_basis"], row["price_source"]) for name, row in priced.items()}
    assert said == {
        "gpt": (usd(1), "negotiated", "team"),
        "mini": (usd(2), "list", "genai-prices"),
        "own": (usd(7), "list", "langfuse_project"),
        "own in another project": (usd(2), "list", "genai-prices"),
        "house": (usd("0.3"), "self_hosted", "team"),
        "stranger": (usd(9), "list", "langfuse"),
        "unheard-of": (usd(0), "none", None),
        "None": (usd(0), "none", None),
        "recorded": (usd("0.4"), "recorded", None),
    }
    assert priced["recorded"]["list_cost_usd"] is None
    assert priced["recorded"]["input_cost_usd"] == usd("0.3")


def test_a_late_price_fix_changes_the_calls_of_that_model_and_time_alone(book: PriceBook) -> None:
    book.names(gpt="x/gpt", mini="x/mini")
    book.price("genai-prices", "x/gpt", PRICES)
    book.price("genai-prices", "x/mini", PRICES)
    fixed_from = datetime(2026, 10, 1, tzinfo=UTC)
    for model in ("gpt", "mini"):
        book.call(f"{model} before", model, MILLION, started_at=fixed_from - timedelta(seconds=1))
        book.call(f"{model} since", model, MILLION, started_at=fixed_from)
        book.call(f"{model} lately", model, MILLION)
    before = book.costs()
    book_before = book.execute(MINI)

    known = datetime(2026, 11, 20, tzinfo=UTC)
    book.execute("update raw.catalogue_prices set known_to = %(at)s where price_ref = 'x/gpt'", {"at": known})
    book.price("genai-prices", "x/gpt", PRICES, valid_until=fixed_from, known_from=known)
    book.price("genai-prices", "x/gpt", {"input": "0.000003"}, valid_from=fixed_from, known_from=known)
    after = book.costs()

    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "gpt since": usd(1), "gpt lately": usd(1),
    }  # fmt: skip
    assert book.execute(MINI) == book_before
    book.run("dim_model_prices")
    versions = book.execute(
        "select is_current, input_price_usd_per_million as price, valid_from, known_to from marts_next.dim_model_prices"
        " where model = 'gpt' and project_id = 'p1' order by is_current, price"
    )
    assert [tuple(version.values()) for version in versions] == [
        (False, 2, None, known), (True, 2, None, None), (True, 3, fixed_from, None),
    ]  # fmt: skip


def test_a_discount_comes_off_the_next_list(book: PriceBook) -> None:
    book.names(gpt="x/gpt", mini="x/mini", own=None)
    for ref in ("x/gpt", "x/mini"):
        book.price("genai-prices", ref, PRICES)
        book.price("genai-prices", ref, {"input": "0.000001"}, service_tier="batch")
    book.langfuse_model("own", "^own$", {"prices": {"input": 4e-6}})
    for tier in ("standard", "batch", "flex", "priority"):
        agreed = {"served_by": "host", "discount": "0.25", "cost_basis": "negotiated", "service_tier": tier}
        book.price("team", "ours", {}, valid_from=NOON, **agreed)
    book.price("team", "mini", {"input": "0.000001"}, model="mini", discount="0.5", cost_basis="negotiated")
    book.call("discounted", "gpt", {"input": 1_000_000, "cached_input": 500_000, "output": 10})
    book.call("before", "gpt", MILLION, started_at=NOON - timedelta(seconds=1))
    book.call("batch", "gpt", MILLION, service_tier="batch")
    book.call("own list", "mini", MILLION)
    book.call("own model", "own", MILLION)

    priced = book.priced()

    names = ("list_cost_usd", "cost_usd", "cost_basis", "price_source")
    assert {name: tuple(row[column] for column in names) for name, row in priced.items()} == {
        "discounted": (usd("3.00008"), usd("2.25006"), "negotiated", "genai-prices"),
        "before": (usd(2), usd(2), "list", "genai-prices"),
        "batch": (usd(1), usd("0.75"), "negotiated", "genai-prices"),
        "own list": (usd(1), usd("0.5"), "negotiated", "team"),
        "own model": (usd(4), usd(3), "negotiated", "langfuse_project"),
    }
    assert priced["discounted"]["cached_input_cost_usd"] == usd("0.75")


def test_service_tiers_sizes_and_hours_have_their_own_prices(book: PriceBook) -> None:
    book.names(gpt="x/gpt", night="x/night", large=None, house="x/gpt")
    book.price("genai-prices", "x/gpt", PRICES)
    book.price("genai-prices", "x/gpt", {"input": "0.000001"}, service_tier="batch")
    book.price("team", "our GPUs", {"input": "0.0000003"}, model="house", cost_basis="self_hosted")
    for begins, ends, price in (("00:00", "00:30", "1"), ("00:30", "16:30", "2"), ("16:30", "24:00", "1")):
        window = {"daily_from": begins, "daily_until": ends}
        book.price("genai-prices", "x/night", {"input": f"0.00000{price}"}, **window)
    service = {"source": "model_parameters", "key": "service_tier", "operator": "in", "values": ["Flex", "fast"]}
    above = {"usageDetailPattern": "(input|prompt)", "operator": "gt", "value": 200_000}
    only_langfuse_knows = {"source": "metadata", "key": "region", "operator": "in", "values": ["eu"]}
    book.langfuse_model(
        "large", "^large$",
        {"prices": {"input": 1e-6}},
        {"prices": {"input": 3e-6}, "conditions": [service, above], "name": "Flex, large"},
        {"prices": {"input": 2e-6}, "conditions": [above], "name": "Large"},
        {"prices": {"input": 5e-7}, "conditions": [service], "name": "Flex"},
        {"prices": {"input": 4e-6}, "conditions": [only_langfuse_knows], "name": "Europe"},
    )  # fmt: skip
    day = NOON.replace(hour=0)
    half_past = timedelta(minutes=30)
    for name, moment in {
        "midnight": day, "half past": day + half_past, "just before": day + half_past - timedelta(microseconds=1),
        "off-peak": day + timedelta(hours=16.5), "peak": day + timedelta(hours=16.5, microseconds=-1),
    }.items():  # fmt: skip
        book.call(name, "night", MILLION, started_at=moment)
    book.call("standard", "gpt", MILLION)
    book.call("batch", "gpt", MILLION, service_tier="batch")
    book.call("a tier that nobody knows", "gpt", MILLION, service_tier="ultra")
    book.call("a tier of our own", "house", MILLION, service_tier="batch")
    for size in (200_000, 200_001):
        usage = {"input": size - 100, "cached_input": 60, "audio_input": 40}
        book.call(f"{size}", "large", usage)
        book.call(f"{size} flex", "large", usage, service_tier="flex")
    book.call("europe", "large", MILLION, pricing_tier_name="Europe")

    assert book.costs() == {
        "midnight": usd(1), "just before": usd(1), "half past": usd(2), "peak": usd(2), "off-peak": usd(1),
        "standard": usd(2), "batch": usd(1), "a tier that nobody knows": usd(2), "a tier of our own": usd("0.3"),
        "200000": usd("0.2"), "200001": usd("0.400002"), "200000 flex": usd("0.1"), "200001 flex": usd("0.600003"),
        "europe": usd(4),
    }  # fmt: skip


def test_what_has_no_price_is_not_guessed(book: PriceBook) -> None:
    book.names(gpt="x/gpt", embedding="x/embedding", image="x/image", total=None)
    book.price(
        "genai-prices", "x/gpt", PRICES | {"web_search": "0.01", "request": "0.005", "cache_write_1h": "0.00001"}
    )
    book.price("genai-prices", "x/embedding", {"input": "0.000001"})
    book.price("genai-prices", "x/image", {"request": "0.04"})
    book.langfuse_model("total", "^total$", {"prices": {"total": 3e-6}})
    recorded = {
        "recorded_cost_usd": usd("0.9"),
        "recorded_other_costs_usd": Jsonb({"search_units": 0.1, "web_search": 0.2}),
    }
    book.call("unknown tokens", "gpt", MILLION | {"moon_tokens": 1}, **recorded)
    book.call("search", "gpt", MILLION | {"web_search": 3}, **recorded)
    book.call("search without a price", "embedding", MILLION | {"web_search": 3}, **recorded)
    book.call("search that nobody priced", "embedding", MILLION | {"web_search": 3})
    book.call("output without a price", "embedding", MILLION | {"output": 1})
    book.call("total of one price", "embedding", {"total": 1_000_000})
    book.call("total priced", "total", {"total": 1_000_000})
    book.call("total of two prices", "gpt", {"total": 1_000_000})
    book.call("cost without usage", "gpt", {}, recorded_cost_usd=usd("0.7"))
    book.call("failed", "gpt", {}, is_error=True)
    book.call("failed and billed", "gpt", {"input": 500_000}, is_error=True)
    book.call("image", "image", {})
    book.call("hour", "gpt", {"cache_write": 1000, "cache_write_1h": 500})

    priced = book.priced()

    assert {name: (row["list_cost_usd"], row["cost_usd"]) for name, row in priced.items()} == {
        "unknown tokens": (None, usd("0.9")),
        "search": (usd("2.035"), usd("2.035")),
        "search without a price": (usd("1.2"), usd("1.2")),
        "search that nobody priced": (usd(1), usd(1)),
        "output without a price": (None, usd(0)),
        "total of one price": (usd(1), usd(1)),
        "total priced": (usd(3), usd(3)),
        "total of two prices": (None, usd(0)),
        "cost without usage": (None, usd("0.7")),
        "failed": (usd(0), usd(0)),
        "failed and billed": (usd("1.005"), usd("1.005")),
        "image": (usd("0.04"), usd("0.04")),
        "hour": (usd("0.012"), usd("0.012")),
    }
    assert priced["search"]["other_costs_usd"] == {"web_search": 0.03, "request": 0.005}
    # 1,500 tokens of input would have cost 0.003, and were written for 0.007.
    assert (priced["hour"]["cache_write_cost_usd"], priced["hour"]["cached_savings_usd"]) == (
        usd("0.007"),
        usd("-0.004"),
    )


def test_findings_change_tokens_and_cost(book: PriceBook) -> None:
    book.names(gpt="x/gpt")
    book.price("genai-prices", "x/gpt", PRICES | {"cached_input": "0.000001"})
    recorded = {
        "recorded_cost_usd": usd("0.05"),
        "recorded_input_cost_usd": usd("0.04"),
        "recorded_output_cost_usd": usd("0.01"),
    }
    usage = {"input": 17_903, "cached_input": 17_817, "output": 10}
    for model in ("gpt", "unheard-of"):
        book.call(f"{model} twice", model, usage, **recorded)
        book.call(f"{model} replayed", model, usage, **recorded)
    book.findings(
        *(
            {"observation_id": f"{model} twice", "rule": "cached_inside_input", "is_unbilled": False,
             "input_tokens": 86, "recorded_cost_correction_usd": usd("-0.03"), "total_tokens": 17_913}
            for model in ("gpt", "unheard-of")
        ),
        *(
            {"observation_id": f"{model} replayed", "rule": "replayed_cache_hit", "is_unbilled": True,
             "input_tokens": 17_903, "recorded_cost_correction_usd": usd(0), "total_tokens": 35_730}
            for model in ("gpt", "unheard-of")
        ),
        is_counted=True, cached_input_tokens=17_817, cache_write_tokens=0, other_input_tokens=0, output_tokens=10,
    )  # fmt: skip

    priced = book.priced()

    names = ("input_tokens", "total_input_tokens", "list_cost_usd", "cost_usd", "input_cost_usd", "cost_basis")
    assert {name: tuple(row[column] for column in names) for name, row in priced.items()} == {
        "gpt twice": (86, 17_903, usd("0.018069"), usd("0.018069"), usd("0.000172"), "list"),
        "gpt replayed": (17_903, 35_720, usd(0), usd(0), usd(0), "list"),
        "unheard-of twice": (86, 17_903, None, usd("0.02"), usd("0.01"), "recorded"),
        "unheard-of replayed": (17_903, 35_720, None, usd(0), usd(0), "recorded"),
    }
    assert {row["not_counted_reason"] for row in priced.values()} == {None}
