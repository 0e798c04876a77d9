{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

{% if flags.FULL_REFRESH %}

subjects as (
    select instance, project_id, trace_id from {{ ref("stg_langfuse__observations") }}
),

{% else %}

days as (
    select * from {{ ref("int_days_touched") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

subjects as (
    select
        observations.instance,
        observations.project_id,
        observations.trace_id
    from days
    cross join projects
    cross join lateral ({{ rows_of_day("stg_langfuse__observations", "started_at") }}) as observations
    union all
    select
        scores.instance,
        scores.project_id,
        scores.trace_id
    from days
    cross join projects
    cross join lateral ({{ rows_of_day("stg_langfuse__scores", "scored_at") }}) as scores
    where scores.trace_id is not null
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
