"""Reporting days and hours around changes of the clock: every roll-up equals the calls, in every zone."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.integration.build.conftest import Raw, columns_of, observation
from tests.integration.finance.clock import (
    CHATHAM,
    LORD_HOWE,
    ZONES,
    changes,
    changes_within_hours,
    hours_a_day,
    moments_around,
    sums,
)
from tracemart.build import LAYERS, build_layer, start_build
from tracemart.settings import Settings
from tracemart.warehouse import Role, Warehouse

Build = Callable[..., int | None]
Calls = list[tuple[datetime, Decimal]]
# UTC by a name that stands nowhere else, so that it can be found in what dbt compiled.
MARK = "Etc/UCT"


def calls_at(moments: set[datetime]) -> Calls:
    """A call at each moment, of a cost with twelve decimals."""
    dice = random.Random(7)
    return [(moment, Decimal(dice.randrange(1, 10**13)).scaleb(-12)) for moment in sorted(moments)]


def load(raw: Raw, calls: Calls, prefix: str = "c") -> None:
    """Many rows at once; each a trace of its own, of one department and agent or another."""
    rows = []
    for number, (moment, cost) in enumerate(calls):
        row = observation(
            f"{prefix}{number}", "call", 0, cost=0, tokens=number % 50, model=f"gpt-{number % 3}o",
            metadata=Jsonb({"department": f"d{number % 4}", "agent": f"a{number % 5}"}), user_id=f"u{number % 6}",
        )  # fmt: skip
        parts = Jsonb({"input": float(cost) / 2, "total": float(cost)})
        end = moment + timedelta(seconds=number % 7)
        rows.append(row | {"start_time": moment, "end_time": end, "total_cost": cost, "cost_details": parts})
    with Warehouse(raw.settings).connect(Role.OWNER) as connection:
        batch_id = raw._begin(connection, "observations", len(rows))
        months = {row["trace_id"]: raw._month(connection, row) for row in rows}
        names = [
            name for name in columns_of(connection, "observations") if name in {*rows[0], "batch_id", "start_month"}
        ]
        with connection.cursor().copy(f"copy raw.observations ({', '.join(names)}) from stdin") as copy:
            for row in rows:
                stored = row | {"batch_id": batch_id, "start_month": months[row["trace_id"]]}
                copy.write_row([stored[name] for name in names])


def check(connection: psycopg.Connection, schema: str, calls: Calls, zone: ZoneInfo) -> None:
    """Hold days and hours of calls and of their roll-ups against what zoneinfo says."""
    days, hours = sums(calls, zone)
    for mart, measures in {
        "fct_generations": "count(*), sum(cost_usd)",
        "fct_usage_daily": "sum(calls), sum(cost_usd)",
        "fct_cost_daily": "sum(calls), sum(cost_usd)",
    }.items():
        rows = connection.execute(f"select usage_date, {measures} from {schema}.{mart} group by 1").fetchall()
        assert {day: (number, cost) for day, number, cost in rows} == days, (zone.key, mart)
    rows = connection.execute(
        f"select usage_hour, usage_date, sum(calls), sum(cost_usd) from {schema}.fct_usage_hourly group by 1, 2"
    ).fetchall()
    assert {hour: (number, cost) for hour, _, number, cost in rows} == hours, zone.key
    assert all(hour.astimezone(zone).date() == day for hour, day, _, _ in rows), zone.key


def build_unpublished(settings: Settings) -> None:
    build_id = start_build(settings)
    assert build_id is not None
    for layer in LAYERS:
        build_layer(settings, build_id, layer)


class CompiledProject:
    """What dbt compiled for a build in the zone MARK: the same statements are run again for another zone."""

    def __init__(self, target: Path) -> None:
        self.target = target
        nodes = json.loads((target / "manifest.json").read_text())["nodes"]
        self.nodes = {name: node for name, node in nodes.items() if node["resource_type"] in ("model", "test")}
        self.moved = self._moved()

    def _moved(self) -> list[str]:
        """Models of which the rows depend on the zone, in order: those that the identities are about."""
        moved: list[str] = []
        waiting = [name for name in self._needed() if self.nodes[name]["resource_type"] == "model"]
        while waiting:
            for name in [name for name in waiting if not set(self._parents(name)) & set(waiting)]:
                waiting.remove(name)
                if MARK in self.sql(name) or set(self._parents(name)) & set(moved):
                    moved.append(name)
        return moved

    def _needed(self) -> set[str]:
        needed: set[str] = set()
        found = {name for name in self.nodes if self._is_identity(name)}
        while found:
            needed |= found
            found = {parent for name in found for parent in self._parents(name)} - needed
        return needed

    def _is_identity(self, name: str) -> bool:
        node = self.nodes[name]
        return node["resource_type"] == "test" and bool({"sum", "sums"} & set(node["name"].split("_")))

    def _parents(self, name: str) -> list[str]:
        return [parent for parent in self.nodes[name]["depends_on"]["nodes"] if parent in self.nodes and parent != name]

    def sql(self, name: str) -> str:
        return (self.target / "compiled" / "tracemart" / self.nodes[name]["original_file_path"]).read_text()

    def build(self, connection: psycopg.Connection, zone: str) -> None:
        for name in self.moved:
            node = self.nodes[name]
            if node["config"]["materialized"] == "ephemeral":
                continue
            table = f"{node['schema']}.{node['name']}"
            statement = self.sql(name).replace(MARK, zone)
            if node["config"]["materialized"] == "view":
                connection.execute(f"create or replace view {table} as {statement}".encode())
                continue
            known = connection.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
                (table,),
            )
            listed = ", ".join(row[0] for row in known)
            made = f"select {listed} from (\n{statement}\n) as made"
            connection.execute(f"truncate {table}")
            connection.execute(f"insert into {table} ({listed}) {made}".encode())

    def identities(self) -> Iterator[tuple[str, str]]:
        """(name, query of what is wrong) of each test of the project that says what a roll-up sums to."""
        for name in self.nodes:
            if self._is_identity(name):
                yield self.nodes[name]["name"], self.sql(name)


@pytest.mark.slow
def test_roll_ups_equal_the_calls_in_every_zone(
    raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    zones = {name: ZoneInfo(name) for name in ZONES}
    moments = {moment for zone in zones.values() for change in changes(zone) for moment in moments_around(change, zone)}
    calls = calls_at(moments)
    load(raw, calls)
    settings = warehouse_settings.model_copy(update={"timezone": MARK})
    build_unpublished(settings)
    check(owner, "marts_next", calls, ZoneInfo(MARK))

    project = CompiledProject(settings.home / "dbt" / "target")
    identities = dict(project.identities())
    assert len(identities) >= 7
    lengths = set()
    for name, zone in zones.items():
        project.build(owner, name)
        check(owner, "marts_next", calls, zone)
        wrong: dict[str, list[Any]] = {
            test: found for test, query in identities.items() if (found := owner.execute(query.encode()).fetchall())
        }
        assert wrong == {}, name
        lengths |= set(hours_a_day(sums(calls, zone)[1], zone).values())
    assert lengths >= {22, 23, 24, 25, 26}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "hours_of_days"),
    # A day of 23.5 and one of 24.5 hours, or of 23 and 25: the piece of an hour before or after a change is a row.
    [(LORD_HOWE, {24, 25}), (CHATHAM, {24, 26})],
)
def test_an_hour_in_which_the_clock_changes_is_two(
    raw: Raw, owner: psycopg.Connection, warehouse_settings: Settings, name: str, hours_of_days: set[int]
) -> None:
    zone = ZoneInfo(name)
    calls = calls_at({moment for change in changes(zone) for moment in moments_around(change, zone)})
    load(raw, calls)
    build_unpublished(warehouse_settings.model_copy(update={"timezone": name}))
    check(owner, "marts_next", calls, zone)
    hours = hours_a_day(sums(calls, zone)[1], zone)
    assert {hours[change.astimezone(zone).date()] for change in changes(zone)} == hours_of_days


@pytest.mark.slow
def test_a_late_call_of_the_first_midnight_finds_its_day(
    raw: Raw, built: Build, owner: psycopg.Connection, warehouse_settings: Settings
) -> None:
    zone = ZoneInfo("America/Havana")
    settings = warehouse_settings.model_copy(update={"timezone": zone.key})
    calls = calls_at({moment for change in changes(zone) for moment in moments_around(change, zone)})
    late = [each for change in changes(zone) for each in calls if abs(each[0] - change) < timedelta(hours=2)]
    load(raw, [each for each in calls if each not in late])
    built(settings)
    built(settings, full_refresh=True)
    load(raw, late, "late")
    built(settings)
    assert owner.execute("select count(*) from operations.builds where is_full_refresh").fetchone() == (2,)
    check(owner, "marts", calls, zone)


def test_only_two_islands_change_their_clocks_within_an_hour() -> None:
    aliases = {"Australia/LHI", "NZ-CHAT"}
    assert {name for name in available_timezones() if changes_within_hours(ZoneInfo(name))} == {
        LORD_HOWE, CHATHAM, *aliases,
    }  # fmt: skip
