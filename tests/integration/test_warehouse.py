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
