{{ config(materialized="ephemeral") }}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

traces as (
    select * from {{ ref("int_traces_touched") }}
),

observations as (
    select * from {{ ref("stg_langfuse__observations") }}
),

{% if flags.FULL_REFRESH %}

touched as (
    select * from observations
),

{% else %}

touched as (
    select rows_of_trace.*
    from traces
    cross join {{ rows_by_key("observations", "traces", ["instance", "project_id", "trace_id"]) }} as rows_of_trace
),

{% endif %}

with_day as (
    select
        *,
        {{ local_day("started_at") }} as usage_date
    from touched
)

select * from with_day
