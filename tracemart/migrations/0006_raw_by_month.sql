-- raw.observations by month: the oldest month is dropped by dropping a table, and loads work on the newest alone.
set local role tracemart_loader;

alter table raw.observations rename to observations_unpartitioned;
alter table raw.observations_unpartitioned rename constraint observations_pkey to observations_unpartitioned_pkey;
drop index raw.observations_batch_id_idx;
drop index raw.observations_start_time_idx;

create table raw.observations (
    like raw.observations_unpartitioned including defaults,
    tool_definitions jsonb,
    tool_calls jsonb,
    tool_call_names text[],
    start_month date not null
) partition by range (start_month);
-- Ids are compared byte by byte: a language's order would double the price of each row.
alter table raw.observations
    alter column instance type text collate "C",
    alter column project_id type text collate "C",
    alter column trace_id type text collate "C",
    alter column id type text collate "C",
    -- A unique key of a partitioned table has to hold the partition's column. Within a month the key stands by itself;
    -- over months, for a start time may move, the loader keeps it by raw.trace_months. What tells rows apart comes first.
    add primary key (trace_id, id, project_id, instance, start_month);
-- Rows stand in the order in which they were loaded and, mostly, made: a range of pages tells enough.
create index observations_batch_id_idx on raw.observations using brin (batch_id) with (autosummarize = on);
create index observations_start_time_idx on raw.observations using brin (start_time) with (autosummarize = on);

-- In which months a trace has observations: who looks for a trace or a key asks no other month.
create table raw.trace_months (
    instance text collate "C" not null,
    project_id text collate "C" not null,
    trace_id text collate "C" not null,
    start_month date not null,
    primary key (trace_id, start_month, project_id, instance)
);

do $$
declare
    month date;
begin
    for month in select distinct date_trunc('month', start_time at time zone 'UTC')::date
        from raw.observations_unpartitioned
    loop
        execute format(
            'create table raw.%I partition of raw.observations for values from (%L) to (%L)',
            'observations_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month'
        );
    end loop;
end $$;

insert into raw.observations
select *, null, null, null, date_trunc('month', start_time at time zone 'UTC')::date
from raw.observations_unpartitioned;
insert into raw.trace_months select distinct instance, project_id, trace_id, start_month from raw.observations;
drop table raw.observations_unpartitioned;

alter table raw.superseded_observations
    add column tool_definitions jsonb,
    add column tool_calls jsonb,
    add column tool_call_names text[],
    add column start_month date;
update raw.superseded_observations set start_month = date_trunc('month', start_time at time zone 'UTC')::date;
alter table raw.superseded_observations alter column start_month set not null;

-- Rows that are gone in Langfuse: among rows_updated, for their days have to be built again.
alter table raw.loads add column rows_vanished bigint not null default 0;

-- An entry stays open until it, or a newer version of the same row, could be kept.
alter table raw.rejected_rows add column resolved_at timestamptz;
create index rejected_rows_open_idx on raw.rejected_rows (instance, project_id, entity) where resolved_at is null;

-- When an overlap was last read again, each of TRACEMART_OVERLAPS at its own pace.
create table raw.rereads (
    instance text not null,
    project_id text not null,
    entity text not null,
    overlap interval not null,
    read_at timestamptz not null,
    primary key (instance, project_id, entity, overlap)
);
