{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "team", "agent",
    "observation_type", "model", "error_type",
] %}

with

observations as (
    select * from {{ ref("fct_observations") }}
    where is_error and {{ only_touched_days("usage_date") }}
),

messages as (
    select * from {{ ref("int_errors_typed") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

failed as (
    select
        observations.usage_date,
        observations.instance,
        observations.project_id,
        observations.project_name,
        observations.environment,
        observations.department,
        observations.team,
        observations.agent,
        observations.observation_type,
        coalesce(observations.model, 'no call') as model,
        coalesce(messages.error_type, 'unknown') as error_type,
        observations.trace_id,
        observations.observation_id,
        observations.started_at,
        observations.is_counted,
        observations.total_tokens,
        observations.cost_usd
    from observations
    left join messages on observations.status_message = messages.status_message
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(*) as failed_steps,
        count(*) filter (where is_counted) as calls,
        coalesce(sum(total_tokens) filter (where is_counted), 0)::bigint as total_tokens,
        coalesce(sum(cost_usd) filter (where is_counted), 0) as cost_usd,
        (
            array_agg(trace_id || '?observation=' || observation_id order by started_at, trace_id, observation_id)
        )[1] as example
    from failed
    group by {{ cell | join(", ") }}
),

final as (
    select
        {{ columns_of("days", cell) }},
        days.failed_steps,
        days.calls,
        days.total_tokens,
        days.cost_usd,
        projects.host || '/project/' || days.project_id || '/traces/' || days.example as example_url
    from days
    left join projects
        on
            days.instance = projects.instance
            and days.project_id = projects.project_id
)

select * from final
