{{ config(materialized="ephemeral") }}

with

{% if flags.FULL_REFRESH %}

observations as (
    select * from {{ ref("stg_langfuse__observations") }}
),

{% else %}

traces as (
    select * from {{ ref("int_traces_touched") }}
),

observations as (
    select observations.*
    from traces
    cross join lateral (
        {{ rows_by_key("stg_langfuse__observations", "traces", ["instance", "project_id", "trace_id"]) }}
    ) as observations
),

{% endif %}

with_day as (
    select
        observations.*,
        {{ local_day("observations.started_at") }} as usage_date
    from observations
)

select * from with_day
