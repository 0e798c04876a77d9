"""Percentiles from buckets against Postgres' own percentile_cont, as the analyst reads them."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tracemart.warehouse import Role, Warehouse

# Half the width of a bucket, and what is counted as nothing.
RELATIVE, NOTHING = 0.0149, 0.001
measured = st.one_of(
    st.just(0.0),
    st.floats(0.001, 1.0),
    st.floats(1.0, 100_000.0),
    st.floats(1e5, 1e15),
    st.integers(0, 3_000).map(float),
)
fractions = st.one_of(st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]), st.floats(0.0, 1.0).map(lambda f: round(f, 4)))
on_one_database = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def analyst(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    with warehouse.connect(Role.ANALYST) as connection:
        yield connection


def one(connection: psycopg.Connection, query: str, *values: object) -> tuple[Decimal | None, ...]:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return tuple(row)


@on_one_database
@given(values=st.lists(measured, min_size=1, max_size=60), fraction=fractions)
@example(values=[0.001], fraction=0.5)
@example(values=[0.0010001, 0.00101], fraction=1.0)
@example(values=[0.0, 0.0, 1e15], fraction=0.99)
@example(values=[1.03**power for power in range(40)], fraction=0.95)
def test_any_percentile_of_any_values_is_within_two_percent(
    analyst: psycopg.Connection, values: list[float], fraction: float
) -> None:
    found, exact = one(
        analyst,
        "select"
        " public.percentile_from_buckets(sum(public.bucketed(v)), %s),"
        " percentile_cont(%s) within group (order by v)"
        " from unnest(%s::double precision[]) as given (v)",
        fraction,
        fraction,
        values,
    )
    assert found is not None
    assert exact is not None
    assert abs(float(found) - float(exact)) <= RELATIVE * float(exact) + NOTHING


@on_one_database
@given(
    rows=st.lists(st.lists(measured, min_size=1, max_size=8), min_size=1, max_size=8),
    shuffled=st.randoms(use_true_random=False),
    fraction=fractions,
)
def test_rows_merge_in_any_order_to_what_all_values_give(
    analyst: psycopg.Connection, rows: list[list[float]], shuffled: object, fraction: float
) -> None:
    query = "select sum(public.bucketed(v)) from unnest(%s::double precision[]) as given (v)"
    packed = [one(analyst, query, values)[0] for values in rows]
    shuffled.shuffle(packed)  # type: ignore[attr-defined]
    whole = one(analyst, query, [value for values in rows for value in values])[0]
    merged, found, expected = one(
        analyst,
        "select sum(b), public.percentile_from_buckets(sum(b), %s), public.percentile_from_buckets(%s, %s)"
        " from unnest(%s::numeric[]) as given (b)",
        fraction,
        whole,
        fraction,
        packed,
    )
    assert merged == whole
    assert found == expected


def test_a_hundred_billion_calls_are_counted_to_the_last(analyst: psycopg.Connection) -> None:
    found = one(
        analyst,
        "select"
        " public.percentile_from_buckets(sum(calls * public.bucketed(ms)), 0.5),"
        " public.percentile_from_buckets(sum(calls * public.bucketed(ms)), 0.99999999998),"
        " public.percentile_from_buckets(sum(calls * public.bucketed(ms)), 1)"
        " from (values (99999999999, 100), (1, 5000)) as given (calls, ms)",
    )
    assert [float(value or 0) for value in found] == pytest.approx([100, 100, 5000], rel=RELATIVE)


def test_what_was_not_measured_has_no_percentile(analyst: psycopg.Connection) -> None:
    assert one(analyst, "select public.percentile_from_buckets(sum(public.bucketed(null)), 0.5)") == (None,)
    query = (
        "select public.percentile_from_buckets(sum(public.bucketed(v)), 0.5) from (values (null), (7.0)) as given (v)"
    )
    assert float(one(analyst, query)[0] or 0) == pytest.approx(7, rel=0.015)


@pytest.mark.parametrize("value", ["'infinity'", "'nan'", "1e300"])
def test_beyond_the_last_bucket_a_value_counts_as_the_greatest(analyst: psycopg.Connection, value: str) -> None:
    (found,) = one(analyst, f"select public.percentile_from_buckets(public.bucketed({value}::double precision), 0.5)")
    assert float(found or 0) == pytest.approx(1e15, rel=0.015)


@pytest.mark.parametrize("fraction", ["-0.01", "1.01", "95"])
def test_a_fraction_beyond_nought_and_one_is_refused(analyst: psycopg.Connection, fraction: str) -> None:
    with pytest.raises(psycopg.errors.NumericValueOutOfRange, match="fraction lies between 0 and 1"):
        analyst.execute(f"select public.percentile_from_buckets(public.bucketed(1), {fraction})".encode())
