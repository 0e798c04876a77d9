{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}, {"columns": ["instance", "project_id", "trace_id"]}],
) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}
{% set columns = [
    "instance", "project_id", "project_name", "trace_id", "observation_id", "usage_date", "started_at", "ended_at",
    "environment", "department", "team", "agent", "user_id", "session_id", "trace_name", "observation_type",
    "observation_name", "level", "status_message", "is_error", "is_vanished", "latency_ms",
] %}

with

observations as (
    select * from {{ ref("int_observations_attributed") }}
),

generations as (
    select * from {{ ref("fct_generations") }}
    where {{ only_touched_days("usage_date") }}
),

nested as (
    select * from {{ ref("int_observations_nested") }}
),

-- A call stands in fct_generations already, with what it cost; only the other steps are taken from where it came from.
steps as (
    select
        {{ columns | join(",\n        ") }},
        true as is_call,
        is_counted,
        model,
        total_tokens,
        cost_usd
    from generations
    where observation_id <> 't-' || trace_id
    union all
    select
        {{ columns | join(",\n        ") }},
        false as is_call,
        false as is_counted,
        null as model,
        null as total_tokens,
        null as cost_usd
    from observations
    where
        is_day_touched
        and not is_generation
        and not is_synthetic_root
        and not {{ stands_on_a_carried_day("observations", key, "usage_date") }}
),

final as (
    select
        -- ids
        steps.instance,
        steps.project_id,
        steps.project_name,
        steps.trace_id,
        steps.observation_id,
        nested.parent_observation_id,

        -- when
        steps.usage_date,
        steps.started_at,
        steps.ended_at,

        -- whose
        steps.environment,
        steps.department,
        steps.team,
        steps.agent,
        steps.user_id,
        steps.session_id,

        -- what
        steps.trace_name,
        steps.observation_type,
        steps.observation_name,
        nested.depth,
        steps.level,
        steps.status_message,
        steps.is_error,
        steps.is_call,
        steps.is_counted,
        steps.is_vanished,
        steps.latency_ms,

        -- of a call
        steps.model,
        steps.total_tokens,
        steps.cost_usd
    from steps
    left join nested
        on
            {{ same("steps", "nested", key) }}
)

select * from final
