{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

with

hours as (
    select * from {{ ref("fct_usage_hourly") }}
    where {{ only_touched_days("usage_date") }}
),

days as (
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        team,
        agent,
        model,
        canonical_model,
        provider,
        dimension_1,
        dimension_2,
        {{ sum_of_measures() }}
    from hours
    group by
        usage_date, instance, project_id, project_name, environment, department, team, agent, model, canonical_model,
        provider, dimension_1, dimension_2
)

select * from days
