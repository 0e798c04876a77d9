"""The SQL of an Upsert, with its names in braces: see upsert._names."""

SET_APART = """
with ranked as (
    select
        stage.ctid as place,
        row_number() over (
            partition by {key_of_stage}
            order by stage.updated_at desc nulls last, stage.{event_time} desc, stage::text desc
        ) as position
    from {stage} as stage
    inner join {doubled} using ({key})
),
removed as (
    delete from {stage} as stage using ranked
    where stage.ctid = ranked.place and ranked.position > 1
    returning {columns_of_stage}
)
insert into {older} ({columns}) select distinct {columns} from removed
"""

# `is_newer`: the stage's version is to stand; `differs`: it says something else than the table's.
COMPARED = """
    {key_of_stage},
    (coalesce(stage.updated_at, '-infinity'), stage.{event_time})
    >= (coalesce(known.updated_at, '-infinity'), known.{event_time}) as is_newer,
    ({values_of_stage}) is distinct from ({values_of_known}) as differs,
    known.vanished_at is not null as had_vanished
"""

# OFFSET 0 makes it a look by key for each row, whatever the planner thinks of a table that nobody analysed yet.
MATCHES = """
create temporary table {matches} on commit drop as
select {compared}
from {stage} as stage
cross join lateral (
    select * from {table} as known
    where known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}
    offset 0
) as known
"""

MATCHES_BY_MONTH = """
create temporary table {matches} on commit drop as
select {compared}, known.start_month as known_month
from {stage} as stage
cross join lateral (
    select * from {table} as known
    where
        known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}
        and known.start_month = stage.start_month and known.start_month = any(%(months)s)
    offset 0
) as known
"""

# A start time that moved to another month: only the months that the row's trace is known in are asked.
MATCHES_IN_OTHER_MONTHS = """
insert into {matches}
select distinct on ({key_of_stage}) {compared}, known.start_month
from {elsewhere} as elsewhere
inner join {stage} as stage on stage.trace_id = elsewhere.trace_id
inner join {table} as known
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}
    and known.start_month = elsewhere.other_month
where not exists (select from {matches} as matches where {match_is_stage})
"""

KEEP_REPLACED_VERSIONS = """
insert into {superseded} ({every_column}, superseded_by_batch_id)
select {every_column_of_known}, %(batch_id)s
from {table} as known
inner join {matches} as matches
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {match_is_known}{same_month}
where matches.is_newer and matches.differs
"""

KEEP_LATE_VERSIONS = """
insert into {older} ({columns})
select {columns_of_stage} from {stage} as stage
inner join {matches} as matches on {match_is_stage}
where matches.differs and not matches.is_newer
"""

UPDATE = """
update {table} as known
set
    ({values}) = row({values_of_stage}),
    {source_column} = %(source)s,
    vanished_at = null,
    batch_id = %(batch_id)s,
    loaded_at = clock_timestamp()
from {stage} as stage
inner join {matches} as matches on {match_is_stage}
where
    known.instance = %(instance)s and known.project_id = %(project_id)s and {stage_is_known}{same_month}
    and ((matches.differs and matches.is_newer) or (not matches.differs and matches.had_vanished))
"""

INSERT = """
insert into {table} (instance, project_id, {columns}, {source_column}, batch_id)
select %(instance)s, %(project_id)s, {columns_of_stage}, %(source)s, %(batch_id)s
from {stage} as stage
where not exists (select from {matches} as matches where {match_is_stage})
on conflict do nothing
"""

REGISTER_MONTHS = """
insert into raw.trace_months (instance, project_id, trace_id, start_month)
select distinct %(instance)s, %(project_id)s, stage.trace_id, stage.start_month
from {stage} as stage
where not exists (
    select from {matches} as matches where {match_is_stage} and matches.known_month = stage.start_month
)
on conflict do nothing
"""

REGISTER_TRACES = """
insert into raw.trace_months (instance, project_id, trace_id, start_month)
select %(instance)s, %(project_id)s, trace_id, start_month from {traces}
on conflict do nothing
"""

# OFFSET 0 keeps the planner from reading all of raw.trace_months for a few traces.
TRACES_ELSEWHERE = """
create temporary table {elsewhere} on commit drop as
select traces.trace_id, traces.start_month, months.start_month as other_month
from {listed_traces} as traces
cross join lateral (
    select start_month from raw.trace_months as months
    where
        months.instance = %(instance)s and months.project_id = %(project_id)s
        and months.trace_id = traces.trace_id and months.start_month <> traces.start_month
    offset 0
) as months
"""

TAKE_BACK = """
with doubled as (
    select distinct known.trace_id, known.id, known.start_month
    from {elsewhere} as elsewhere
    inner join {table} as known
        on known.instance = %(instance)s and known.project_id = %(project_id)s
        and known.trace_id = elsewhere.trace_id and known.start_month = elsewhere.start_month
    inner join {table} as other
        on other.instance = %(instance)s and other.project_id = %(project_id)s
        and other.trace_id = known.trace_id and other.id = known.id and other.start_month = elsewhere.other_month
    where known.batch_id = %(batch_id)s
),
taken as (
    delete from {table} as known using doubled
    where
        known.instance = %(instance)s and known.project_id = %(project_id)s and known.trace_id = doubled.trace_id
        and known.id = doubled.id and known.start_month = doubled.start_month and known.batch_id = %(batch_id)s
    returning {columns_of_known}
)
insert into {stage} ({columns}) select {columns} from taken
"""

# A server that keeps two versions for good sends both at every reading: each is kept once.
KEEP_OLDER_VERSIONS = """
insert into {superseded}
    (instance, project_id, {columns}, {source_column}, batch_id, loaded_at, superseded_by_batch_id)
select
    %(instance)s, %(project_id)s, {columns_of_older}, %(source)s, %(batch_id)s, clock_timestamp(), known.batch_id
from {older} as older
inner join {table} as known
    on known.instance = %(instance)s and known.project_id = %(project_id)s and {older_is_known}
where
    ({columns_of_older}) is distinct from ({columns_of_known})
    and not exists (
        select from {superseded} as kept
        where
            kept.instance = %(instance)s and kept.project_id = %(project_id)s and {older_is_kept}
            and ({columns_of_kept}) is not distinct from ({columns_of_older})
    )
"""

FLAG_VANISHED = """
update {table} as known
set vanished_at = clock_timestamp(), batch_id = %(batch_id)s
where
    known.instance = %(instance)s and known.project_id = %(project_id)s
    and known.{event_time} >= %(start)s and known.{event_time} < %(end)s
    and known.vanished_at is null and known.batch_id <> %(batch_id)s
    and not exists (select from {seen} as seen where {seen_is_known})
"""

FLAG_VANISHED_BY_MONTH = (
    FLAG_VANISHED
    + """
    and known.start_month between date_trunc('month', %(start)s at time zone 'UTC')::date
    and date_trunc('month', %(end)s at time zone 'UTC')::date
"""
)
