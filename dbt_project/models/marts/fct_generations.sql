{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[
        {"columns": ["usage_date"]},
        {"columns": ["instance", "project_id", "trace_id", "observation_id"]},
    ],
) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

observations as (
    select * from {{ ref("int_observations_attributed") }}
),

priced as (
    select * from {{ ref("int_generations_priced") }}
),

generations as (
    select
        observations.*,
        priced.canonical_model,
        priced.provider,
        priced.is_counted,
        priced.not_counted_reason,
        priced.input_tokens,
        priced.cached_input_tokens,
        priced.cache_write_tokens,
        priced.total_input_tokens,
        priced.output_tokens,
        priced.total_tokens,
        priced.other_usage,
        priced.recorded_cost_usd,
        priced.list_cost_usd,
        priced.cost_usd,
        priced.cost_basis,
        priced.price_source,
        priced.input_cost_usd,
        priced.cached_input_cost_usd,
        priced.cache_write_cost_usd,
        priced.output_cost_usd,
        priced.other_costs_usd,
        priced.cached_savings_usd,
        (observations.latency_ms - coalesce(observations.time_to_first_token_ms, 0)) / 1000 as generating_seconds
    from observations
    inner join priced
        on
            {{ same("observations", "priced", key) }}
    where observations.is_day_touched
),

final as (
    select
        -- ids
        instance,
        project_id,
        project_name,
        trace_id,
        observation_id,

        -- when
        usage_date,
        usage_hour,
        started_at,
        ended_at,
        completion_started_at,

        -- whose
        environment,
        department,
        team,
        agent,
        feature,
        dimension_1,
        dimension_2,
        user_id,
        session_id,

        -- what
        coalesce(model, 'unknown') as model,
        coalesce(canonical_model, 'unknown') as canonical_model,
        coalesce(provider, 'unknown') as provider,
        observation_type,
        observation_name,
        trace_name,
        prompt_name,
        prompt_version,
        release,
        version,
        tags,
        level,
        status_message,
        is_error,
        cached_input_tokens > 0 as is_cached,
        is_counted,
        not_counted_reason,
        is_vanished,

        -- usage
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        other_usage,
        usage_details,

        -- cost
        recorded_cost_usd,
        list_cost_usd,
        cost_usd,
        cost_basis,
        price_source,
        service_tier,
        input_cost_usd,
        cached_input_cost_usd,
        cache_write_cost_usd,
        output_cost_usd,
        other_costs_usd,
        cached_savings_usd,
        cost_details,

        -- speed
        latency_ms,
        time_to_first_token_ms,
        case
            when generating_seconds > 0 and output_tokens > 0 then round(output_tokens / generating_seconds, 3)
        end as output_tokens_per_second,

        -- origin
        host || '/project/' || project_id || '/traces/' || trace_id || '?observation=' || observation_id
            as langfuse_url,
        batch_id
    from generations
    where not {{ stands_on_a_carried_day("generations", key, "usage_date") }}
)

select * from final
