{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set weights = var("model_score_weights") %}
{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "model", "canonical_model",
    "provider",
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

-- Of the traces that this build looked at, for a call's trace may have begun the day before.
scored as (
    select * from {{ ref("int_traces_scored") }}
),

traces as (
    select * from {{ ref("int_traces_measured") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        {{ sum_of_calls() }},
        {{ percentile(0.5, "latency_ms") }} as p50_latency_ms,
        {{ percentile(0.95, "latency_ms") }} as p95_latency_ms,
        {{ percentile(0.99, "latency_ms") }} as p99_latency_ms,
        {{ percentile(0.5, "time_to_first_token_ms") }} as p50_time_to_first_token_ms,
        {{ percentile(0.95, "time_to_first_token_ms") }} as p95_time_to_first_token_ms,
        {{ percentile(0.5, "output_tokens_per_second") }} as output_tokens_per_second
    from generations
    group by {{ cell | join(", ") }}
),

-- A trace's score speaks for a model only if the trace used no other.
tasks as (
    select
        {{ columns_of("generations", cell) }},
        generations.trace_id,
        scored.quality,
        scored.is_successful and not traces.is_error as is_successful,
        sum(generations.cost_usd) as cost_usd,
        sum(generations.total_tokens) as total_tokens
    from generations
    inner join traces
        on
            generations.instance = traces.instance
            and generations.project_id = traces.project_id
            and generations.trace_id = traces.trace_id
            and traces.model_count = 1
    inner join scored
        on
            generations.instance = scored.instance
            and generations.project_id = scored.project_id
            and generations.trace_id = scored.trace_id
    group by
        {{ columns_of("generations", cell) }},
        generations.trace_id, scored.quality, scored.is_successful, traces.is_error
),

judged as (
    select
        {{ cell | join(",\n        ") }},
        avg(quality) as quality,
        sum(cost_usd) filter (where is_successful is not null)
        / nullif(count(*) filter (where is_successful), 0) as cost_per_successful_task_usd,
        sum(quality) / nullif(sum(total_tokens) filter (where quality is not null), 0) * 1000 as token_efficiency
    from tasks
    group by {{ cell | join(", ") }}
),

compared as (
    select
        days.*,
        trim_scale(round(days.errors::numeric / days.calls, 6)) as error_rate,
        trim_scale(round(days.cost_usd / nullif(days.total_tokens, 0) * 1000, 12)) as cost_per_1k_tokens_usd,
        trim_scale(round(days.cost_usd / days.calls, 12)) as cost_per_call_usd,
        trim_scale(round(judged.cost_per_successful_task_usd, 12)) as cost_per_successful_task_usd,
        trim_scale(round(judged.quality, 6)) as quality,
        trim_scale(round(judged.token_efficiency, 6)) as token_efficiency,
        min(nullif(days.cost_usd, 0) / days.calls) over peers as least_cost_per_call_usd,
        min(days.p95_latency_ms) over peers as least_latency_ms
    from days
    left join judged
        on
            {{ same("days", "judged", cell) }}
    window peers as (
        partition by days.usage_date, days.instance, days.project_id, days.environment, days.department
    )
),

-- What has no price is not free, so it has no score either.
scored_models as (
    select
        *,
        round(100 * (
            {{ weights.quality }} * quality
            + {{ weights.cost }} * least_cost_per_call_usd / nullif(cost_usd / calls, 0)
            + {{ weights.latency }} * coalesce(least_latency_ms / p95_latency_ms, 0)
            + {{ weights.reliability }} * (1 - error_rate)
        ), 2) as score
    from compared
),

final as (
    select
        {{ cell | join(",\n        ") }},
        calls,
        errors,
        error_rate,
        p50_latency_ms,
        p95_latency_ms,
        p99_latency_ms,
        p50_time_to_first_token_ms,
        p95_time_to_first_token_ms,
        output_tokens_per_second,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        cost_usd,
        cost_per_1k_tokens_usd,
        cost_per_call_usd,
        cost_per_successful_task_usd,
        quality,
        token_efficiency,
        score,
        case
            when score is not null
                then rank() over (
                    partition by usage_date, instance, project_id, environment, department
                    order by score desc nulls last
                )
        end as rank
    from scored_models
)

select * from final
