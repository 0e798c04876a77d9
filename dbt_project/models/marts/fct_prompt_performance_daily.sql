{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "prompt_name",
    "prompt_version",
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

-- Calls without a prompt stand in a row of their own, so that the rows sum to all calls.
prompted as (
    select
        {{ columns_of("generations", cell[:-2]) }},
        coalesce(generations.prompt_name, 'no prompt') as prompt_name,
        coalesce(generations.prompt_version, 0) as prompt_version,
        generations.trace_id,
        generations.is_error,
        generations.input_tokens,
        generations.cached_input_tokens,
        generations.cache_write_tokens,
        generations.total_input_tokens,
        generations.output_tokens,
        generations.total_tokens,
        generations.cost_usd,
        generations.latency_ms,
        generations.time_to_first_token_ms,
        generations.output_tokens_per_second
    from generations
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(distinct trace_id) as traces,
        {{ sum_of_calls() }},
        count(latency_ms) as timed_calls,
        coalesce(sum(latency_ms), 0) as total_latency_ms,
        {{ percentile(0.5, "latency_ms") }} as p50_latency_ms,
        {{ percentile(0.95, "latency_ms") }} as p95_latency_ms,
        {{ percentile(0.99, "latency_ms") }} as p99_latency_ms,
        {{ percentile(0.5, "time_to_first_token_ms") }} as p50_time_to_first_token_ms,
        {{ percentile(0.95, "time_to_first_token_ms") }} as p95_time_to_first_token_ms,
        {{ percentile(0.5, "output_tokens_per_second") }} as output_tokens_per_second
    from prompted
    group by {{ cell | join(", ") }}
),

-- A trace speaks for each prompt that it was made with, once.
tasks as (
    select distinct
        {{ columns_of("prompted", cell) }},
        prompted.trace_id,
        scored.quality,
        scored.is_successful and not traces.is_error as is_successful
    from prompted
    inner join scored
        on
            prompted.instance = scored.instance
            and prompted.project_id = scored.project_id
            and prompted.trace_id = scored.trace_id
    inner join traces
        on
            prompted.instance = traces.instance
            and prompted.project_id = traces.project_id
            and prompted.trace_id = traces.trace_id
),

judged as (
    select
        {{ cell | join(",\n        ") }},
        count(quality) as judged_traces,
        sum(quality) as total_quality,
        count(is_successful) as decided_traces,
        count(*) filter (where is_successful) as successful_traces
    from tasks
    group by {{ cell | join(", ") }}
),

final as (
    select
        {{ columns_of("days", cell) }},
        days.calls,
        days.errors,
        trim_scale(round(days.errors::numeric / days.calls, 6)) as error_rate,
        days.traces,
        days.input_tokens,
        days.cached_input_tokens,
        days.cache_write_tokens,
        days.total_input_tokens,
        days.output_tokens,
        days.total_tokens,
        days.cost_usd,
        trim_scale(round(days.cost_usd / days.calls, 12)) as cost_per_call_usd,
        days.timed_calls,
        trim_scale(days.total_latency_ms) as total_latency_ms,
        days.p50_latency_ms,
        days.p95_latency_ms,
        days.p99_latency_ms,
        days.p50_time_to_first_token_ms,
        days.p95_time_to_first_token_ms,
        days.output_tokens_per_second,
        coalesce(judged.judged_traces, 0) as judged_traces,
        trim_scale(coalesce(judged.total_quality, 0)) as total_quality,
        trim_scale(round(judged.total_quality / nullif(judged.judged_traces, 0), 6)) as quality,
        coalesce(judged.decided_traces, 0) as decided_traces,
        coalesce(judged.successful_traces, 0) as successful_traces,
        trim_scale(
            round(judged.successful_traces::numeric / nullif(judged.decided_traces, 0), 6)
        ) as success_rate
    from days
    left join judged
        on
            {{ same("days", "judged", cell) }}
)

select * from final
