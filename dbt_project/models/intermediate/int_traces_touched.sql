{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

days as (
    select * from {{ ref("int_days_touched") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

observations as (
    select * from {{ ref("stg_langfuse__observations") }}
),

scores as (
    select * from {{ ref("stg_langfuse__scores") }}
),

{% if flags.FULL_REFRESH %}

subjects as (
    select
        instance,
        project_id,
        trace_id
    from observations
),

{% else %}

subjects as (
    select
        observations_of_day.instance,
        observations_of_day.project_id,
        observations_of_day.trace_id
    from days
    cross join {{ rows_of_months("observations", "started_at") }} as observations_of_day
    union all
    select
        scores_of_day.instance,
        scores_of_day.project_id,
        scores_of_day.trace_id
    from days
    cross join projects
    cross join {{ rows_of_day("scores", "scored_at") }} as scores_of_day
    where scores_of_day.trace_id is not null
),

{% endif %}

traces as (
    select distinct
        instance,
        project_id,
        trace_id
    from subjects
)

select * from traces
