"""The warehouse: migrations, roles and what each may do."""

import psycopg
import pytest

from tracemart.warehouse import Role, Warehouse


def test_migrating_again_changes_nothing(warehouse: Warehouse) -> None:
    assert warehouse.migrate() == []


@pytest.mark.parametrize("role", list(Role))
def test_every_role_can_log_in(warehouse: Warehouse, role: Role) -> None:
    with warehouse.connect(role) as connection:
        assert connection.execute("show timezone").fetchone() == ("UTC",)


def test_the_analyst_cannot_read_raw(warehouse: Warehouse) -> None:
    with warehouse.connect(Role.ANALYST) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select * from raw.observations")


def test_percentiles_from_buckets_are_within_two_percent(warehouse: Warehouse) -> None:
    with warehouse.connect(Role.ANALYST) as connection:
        for fraction in (0.5, 0.95, 0.99):
            row = connection.execute(
                """
                with latencies as (select (5 + i * i * 0.37)::numeric as ms from generate_series(1, 3000) as i),
                buckets as (select latency_bucket(ms) as bucket, count(*) as calls from latencies group by 1)
                select
                    (select percentile_from_buckets(bucket, calls, %(fraction)s) from buckets),
                    (select percentile_disc(%(fraction)s) within group (order by ms) from latencies)
                """,
                {"fraction": fraction},
            ).fetchone()
            assert row is not None
            assert float(row[0]) == pytest.approx(float(row[1]), rel=0.02)
