{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

hours as (
    select
        usage_hour,
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
        {{ sum_of_calls() }}
    from generations
    group by
        usage_hour, usage_date, instance, project_id, project_name, environment, department, team, agent, model,
        canonical_model, provider, dimension_1, dimension_2
)

select * from hours
