"""Which UTC days of a project the server has to be asked for: those that were changed since it was asked last."""

from datetime import date, datetime, timedelta

import psycopg

from tracemart.extract.load import LoadKey
from tracemart.extract.slices import Slice
from tracemart.reconcile.metrics import starts_at

LONGEST_SPAN = timedelta(days=31)


def note_changed_days(connection: psycopg.Connection, key: LoadKey, batch_id: int, first: date, end: date) -> None:
    """Note the days of [first, end) that loads have touched since this was done last, and those never noted.

    Only rows of newer loads are looked at. The caller holds off other loads of the project, so none is under way.
    """
    connection.execute(
        """
        with
        seen as (
            select coalesce(max(batch_id), 0) as batch_id from raw.loads
            where instance = %(instance)s and project_id = %(project_id)s and entity = %(entity)s
                and batch_id < %(batch_id)s
        ),
        changed as (
            select (start_time at time zone 'UTC')::date as utc_date
            from raw.observations
            where instance = %(instance)s and project_id = %(project_id)s
                and batch_id > (select batch_id from seen)
                and start_month >= date_trunc('month', %(first)s::date) and start_time >= %(starts_at)s
            union
            select (start_time at time zone 'UTC')::date
            from raw.superseded_observations
            where instance = %(instance)s and project_id = %(project_id)s
                and superseded_by_batch_id > (select batch_id from seen)
                and start_time >= %(starts_at)s
        )
        insert into raw.server_days as known (instance, project_id, utc_date, changed_batch_id)
        select %(instance)s, %(project_id)s, utc_date, %(batch_id)s from changed
        on conflict (instance, project_id, utc_date) do update set changed_batch_id = excluded.changed_batch_id
        """,
        {
            "instance": key.instance,
            "project_id": key.project_id,
            "entity": key.entity,
            "batch_id": batch_id,
            "first": first,
            "starts_at": starts_at(first),
        },
    )
    connection.execute(
        "insert into raw.server_days (instance, project_id, utc_date, changed_batch_id)"
        " select %s, %s, day::date, %s from generate_series(%s::date, %s::date - 1, interval '1 day') as day"
        " on conflict do nothing",
        (key.instance, key.project_id, batch_id, first, end),
    )


def due_days(connection: psycopg.Connection, key: LoadKey, first: date, end: date) -> list[date]:
    """Days of [first, end), oldest first."""
    rows = connection.execute(
        "select utc_date from raw.server_days where instance = %s and project_id = %s"
        " and utc_date >= %s and utc_date < %s and (batch_id is null or changed_batch_id > batch_id)"
        " order by utc_date",
        (key.instance, key.project_id, first, end),
    )
    return [row[0] for row in rows]


def window(settled: datetime, days: int) -> tuple[date, date]:
    """The last `days` UTC days that ended before `settled`, as [first, end)."""
    end = settled.date()
    return end - timedelta(days=days), end


def spans(days: list[date]) -> list[list[date]]:
    """The days, cut where one request would span more than a month."""
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][0] < LONGEST_SPAN:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def time_of(days: list[date]) -> Slice:
    return Slice(starts_at(days[0]), starts_at(days[-1] + timedelta(days=1)))
