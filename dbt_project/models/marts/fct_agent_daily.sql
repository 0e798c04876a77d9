{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set weights = var("agent_efficiency_weights") %}
{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "team", "agent",
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

scored as (
    select * from {{ ref("int_traces_scored") }}
),

traces as (
    select * from {{ ref("int_traces_measured") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(distinct trace_id) as traces,
        {{ sum_of_calls() }},
        {{ percentile(0.5, "latency_ms") }} as p50_latency_ms,
        {{ percentile(0.95, "latency_ms") }} as p95_latency_ms,
        {{ percentile(0.5, "output_tokens_per_second") }} as output_tokens_per_second
    from generations
    group by {{ cell | join(", ") }}
),

tasks as (
    select
        {{ columns_of("generations", cell) }},
        generations.trace_id,
        scored.quality,
        scored.is_successful and not traces.is_error as is_successful,
        sum(generations.cost_usd) as cost_usd,
        sum(generations.total_tokens) as total_tokens
    from generations
    inner join scored
        on
            generations.instance = scored.instance
            and generations.project_id = scored.project_id
            and generations.trace_id = scored.trace_id
    inner join traces
        on
            generations.instance = traces.instance
            and generations.project_id = traces.project_id
            and generations.trace_id = traces.trace_id
    group by
        {{ columns_of("generations", cell) }},
        generations.trace_id, scored.quality, scored.is_successful, traces.is_error
),

judged as (
    select
        {{ cell | join(",\n        ") }},
        count(quality) as judged_traces,
        sum(quality) as total_quality,
        count(is_successful) as decided_traces,
        count(*) filter (where is_successful) as successful_traces,
        sum(cost_usd) filter (where is_successful is not null)
        / nullif(count(*) filter (where is_successful), 0) as cost_per_successful_task_usd,
        sum(total_tokens) filter (where is_successful is not null)
        / nullif(count(*) filter (where is_successful), 0) as tokens_per_successful_task
    from tasks
    group by {{ cell | join(", ") }}
),

measured as (
    select
        days.*,
        trim_scale(round(days.errors::numeric / days.calls, 6)) as error_rate,
        coalesce(judged.judged_traces, 0) as judged_traces,
        trim_scale(coalesce(judged.total_quality, 0)) as total_quality,
        trim_scale(round(judged.total_quality / nullif(judged.judged_traces, 0), 6)) as quality,
        coalesce(judged.decided_traces, 0) as decided_traces,
        coalesce(judged.successful_traces, 0) as successful_traces,
        trim_scale(round(judged.cost_per_successful_task_usd, 12)) as cost_per_successful_task_usd,
        trim_scale(round(judged.tokens_per_successful_task, 3)) as tokens_per_successful_task
    from days
    left join judged
        on
            {{ same("days", "judged", cell) }}
),

-- What was not measured has no place among the others, so it is ranked apart.
compared as (
    select
        *,
        {% for name, measure in {
            "cost_percentile": "cost_usd", "latency_percentile": "p95_latency_ms",
            "error_percentile": "error_rate", "quality_percentile": "quality",
        }.items() %}
        case
            when {{ measure }} is not null
                then trim_scale(round((percent_rank() over (
                    partition by usage_date, instance, project_id, {{ measure }} is null
                    order by {{ measure }}
                ))::numeric, 6))
        end as {{ name }},
        {% endfor %}
        min(nullif(cost_usd, 0) / traces) over peers as least_cost_per_trace_usd,
        min(p95_latency_ms) over peers as least_latency_ms
    from measured
    window peers as (partition by usage_date, instance, project_id)
),

-- What has no price is not free, so it has no score either.
final as (
    select
        {{ cell | join(",\n        ") }},
        calls,
        errors,
        error_rate,
        traces,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        cost_usd,
        trim_scale(round(cost_usd / calls, 12)) as cost_per_call_usd,
        p50_latency_ms,
        p95_latency_ms,
        output_tokens_per_second,
        judged_traces,
        total_quality,
        quality,
        decided_traces,
        successful_traces,
        cost_per_successful_task_usd,
        tokens_per_successful_task,
        cost_percentile,
        latency_percentile,
        error_percentile,
        quality_percentile,
        trim_scale(round(100 * (
            {{ weights.quality }} * quality
            + {{ weights.cost }} * least_cost_per_trace_usd / nullif(cost_usd / traces, 0)
            + {{ weights.latency }} * coalesce(least_latency_ms / p95_latency_ms, 0)
            + {{ weights.reliability }} * (1 - error_rate)
        ), 2)) as efficiency_score
    from compared
)

select * from final
