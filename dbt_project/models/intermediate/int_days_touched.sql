{{ config(indexes=[{"columns": ["reporting_day"], "unique": true}]) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

-- Those that are read more than once are read by an index of its own each time.
observations as not materialized (
    select * from {{ ref("stg_langfuse__observations") }}
),

superseded_observations as (
    select * from {{ ref("stg_langfuse__superseded_observations") }}
),

scores as not materialized (
    select * from {{ ref("stg_langfuse__scores") }}
),

superseded_scores as (
    select * from {{ ref("stg_langfuse__superseded_scores") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

{% if flags.FULL_REFRESH %}

moments as (
    select started_at as moment from observations
    union all
    select scored_at as moment from scores
),

{% else %}

-- As an array, so that the planner takes the index on batch_id however little it knows of pending_loads.
pending as (
    select array(select batch_id from {{ source("operations", "pending_loads") }}) as batch_ids
),

changed_observations as (
    select
        instance,
        project_id,
        trace_id,
        started_at as moment
    from observations
    where batch_id = any((select batch_ids from pending)::bigint[])
    union all
    select
        instance,
        project_id,
        trace_id,
        started_at as moment
    from superseded_observations
    where superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

changed_scores as (
    select
        instance,
        project_id,
        trace_id,
        scored_at as moment
    from scores
    where batch_id = any((select batch_ids from pending)::bigint[])
    union all
    select
        instance,
        project_id,
        trace_id,
        scored_at as moment
    from superseded_scores
    where superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

changed_traces as (
    select
        instance,
        project_id,
        trace_id
    from changed_observations
    union
    select
        instance,
        project_id,
        trace_id
    from changed_scores
    where trace_id is not null
),

-- A renamed project changes every day that it was used on.
changed_projects as (
    select
        instance,
        project_id
    from projects
    where batch_id = any((select batch_ids from pending)::bigint[])
),

moments as (
    select moment from changed_observations
    union all
    select moment from changed_scores
    union all
    select rows_of_trace.started_at as moment
    from changed_traces
    cross join {{ rows_by_key("observations", "changed_traces", trace_key) }} as rows_of_trace
    union all
    select scores_of_trace.scored_at as moment
    from changed_traces
    cross join {{ rows_by_key("scores", "changed_traces", trace_key) }} as scores_of_trace
    union all
    select observations.started_at as moment
    from changed_projects
    inner join observations
        on
            changed_projects.instance = observations.instance
            and changed_projects.project_id = observations.project_id
    union all
    select scores.scored_at as moment
    from changed_projects
    inner join scores
        on
            changed_projects.instance = scores.instance
            and changed_projects.project_id = scores.project_id
),

{% endif %}

days as (
    select distinct {{ local_day("moment") }} as reporting_day
    from moments
),

bounded as (
    select
        reporting_day,
        {{ day_starts_at("reporting_day") }} as starts_at,
        {{ day_starts_at("(reporting_day + 1)") }} as ends_at
    from days
)

select * from bounded
