"""The export counts in tokens what the marts count in tokens, and knows the unit of every type that they know."""

import csv

from tracemart.focus.charges import PRICED_BY, UNITS
from tracemart.settings import PROJECT_ROOT


def test_units_are_those_of_the_seed() -> None:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "usage_types.csv").open(newline="") as handle:
        seeded = {row["usage_type"]: row["is_token"] == "true" for row in csv.DictReader(handle)}
    # A share of cache_write, not a type beside it.
    assert seeded.pop("cache_write_1h")
    assert set(seeded) == set(UNITS) - {"unallocated", "commitment"}
    for usage_type, is_token in seeded.items():
        assert (UNITS[usage_type] == "Tokens") == is_token, usage_type


def test_prices_are_by_units_that_are_counted() -> None:
    assert set(PRICED_BY) <= set(UNITS.values())
