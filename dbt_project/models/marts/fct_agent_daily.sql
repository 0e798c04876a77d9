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
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

scored as (
    select * from {{ ref("int_traces_scored") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(distinct trace_id) as traces,
        {{ sum_of_calls() }},
        {{ percentile(0.5, "latency_ms") }} as p50_latency_ms,
        {{ percentile(0.95, "latency_ms") }} as p95_latency_ms
    from generations
    group by {{ cell | join(", ") }}
),

tasks as (
    select distinct
        {{ cell | join(",\n        ") }},
        trace_id
    from generations
),

judged as (
    select
        {{ columns_of("tasks", cell) }},
        trim_scale(round(avg(scored.quality), 6)) as quality
    from tasks
    inner join scored
        on
            tasks.instance = scored.instance
            and tasks.project_id = scored.project_id
            and tasks.trace_id = scored.trace_id
    group by
        {{ columns_of("tasks", cell) }}
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
        days.p50_latency_ms,
        days.p95_latency_ms,
        judged.quality,
        round(
            (percent_rank() over (partition by days.usage_date order by days.cost_usd))::numeric, 6
        ) as cost_percentile
    from days
    left join judged
        on
            {{ same("days", "judged", cell) }}
)

select * from final
