"""Whether both slots hold what lies before a moment, so that raw may forget it."""

from datetime import datetime

import psycopg

from tracemart.build.slots import LOADS_LACKING, was_left_by

# Whether these loads touch anything before the moment, as int_days_touched would find it: rows that they changed, the
# other rows of those rows' traces, every day of a project that has a new name, and days that Langfuse was asked about.
_TOUCHES = """
    with
    changed as (
        select instance, project_id, trace_id, start_time as moment
        from raw.observations
        where batch_id >= %(first)s and batch_id <= %(last)s and batch_id = any(%(loads)s)
        union all
        select instance, project_id, trace_id, start_time
        from raw.superseded_observations where superseded_by_batch_id = any(%(loads)s)
        union all
        select instance, project_id, trace_id, scored_at from raw.scores where batch_id = any(%(loads)s)
        union all
        select instance, project_id, trace_id, scored_at
        from raw.superseded_scores where superseded_by_batch_id = any(%(loads)s)
    ),
    months as (
        select trace_months.*
        from (select distinct instance, project_id, trace_id from changed) as traces
        inner join raw.trace_months using (instance, project_id, trace_id)
        where trace_months.start_month <= (%(before)s::timestamptz at time zone 'UTC')::date
    )
    select
        exists (select from changed where moment < %(before)s)
        or exists (
            select from months
            inner join raw.observations using (instance, project_id, trace_id, start_month)
            where observations.start_time < %(before)s
        )
        or exists (select from raw.projects where batch_id = any(%(loads)s))
        or exists (
            select from raw.server_days
            where batch_id = any(%(loads)s) and utc_date < (%(before)s::timestamptz at time zone 'UTC')::date
        )
"""


def why_not_held(connection: psycopg.Connection, version: str, before: datetime) -> str | None:
    """Why not both slots stand as raw says for all that lies before the moment: a part of a sentence, or None.

    They do where both were published by `version` of the dbt project, nothing was written to either since, and the
    loads that one still lacks change nothing there.
    """
    for (slot,) in connection.execute("select slot from operations.slots order by slot").fetchall():
        if not _is_as_published(connection, slot) or not was_left_by(connection, slot, version):
            return "both copies of the marts must first be built and published by this version: run ./run build twice"
        loads = [row[0] for row in connection.execute(LOADS_LACKING, {"slot": slot})]
        if loads and _touch(connection, loads, before):
            return "the marts do not hold all of its loads yet: run ./run build twice"
    return None


def _is_as_published(connection: psycopg.Connection, slot: str) -> bool:
    row = connection.execute(
        "select status = 'published' from operations.builds where slot = %s order by build_id desc limit 1", (slot,)
    ).fetchone()
    return row is not None and bool(row[0])


def _touch(connection: psycopg.Connection, loads: list[int], before: datetime) -> bool:
    parameters = {"loads": loads, "first": min(loads), "last": max(loads), "before": before}
    row = connection.execute(_TOUCHES, parameters).fetchone()
    assert row is not None
    return bool(row[0])
