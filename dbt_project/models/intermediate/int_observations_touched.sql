{{ config(materialized="ephemeral") }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

traces as (
    select * from {{ ref("int_traces_touched") }}
),

trace_months as (
    select * from {{ ref("stg_langfuse__trace_months") }}
),

carried as (
    select * from {{ ref("int_projects_carried") }}
),

observations as (
    select * from {{ ref("stg_langfuse__observations") }}
),

{% if flags.FULL_REFRESH %}

touched as (
    select * from observations
),

{% else %}

-- A trace lies in one month, seldom in two: only those are looked at.
months_of_traces as (
    select months.*
    from traces
    cross join {{ rows_by_key("trace_months", "traces", trace_key) }} as months
),

touched as (
    select rows_of_trace.*
    from months_of_traces
    cross join {{ rows_by_key("observations", "months_of_traces", trace_key + ["start_month"]) }} as rows_of_trace
),

{% endif %}

with_day as (
    select
        touched.*,
        {{ reporting_day("touched.started_at") }} as usage_date,
        coalesce(touched.started_at < carried.carried_before_at, false) as is_day_carried
    from touched
    left join carried
        on
            touched.instance = carried.carried_instance
            and touched.project_id = carried.carried_project_id
)

select * from with_day
