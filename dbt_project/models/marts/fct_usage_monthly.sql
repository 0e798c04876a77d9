{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_months('usage_month') }}",
    indexes=[{"columns": ["usage_month"]}],
) }}

with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

{% if is_incremental() %}

-- A touched month is summed from all of its days, of which days and carried days stand in the roll-up already.
touched as (
    select distinct date_trunc('month', reporting_day)::date as usage_month
    from {{ ref("int_days_touched") }}
),

read as (
    select days_of_month.*
    from touched
    cross join {{ rows_of_month("days", "usage_date", "touched.usage_month") }} as days_of_month
),

{% else %}

read as (
    select * from days
),

{% endif %}

months as (
    select
        date_trunc('month', usage_date)::date as usage_month,
        instance,
        project_id,
        max(project_name) as project_name,
        department,
        team,
        agent,
        canonical_model,
        {{ sum_of_measures() }}
    from read
    group by date_trunc('month', usage_date)::date, instance, project_id, department, team, agent, canonical_model
)

select * from months
