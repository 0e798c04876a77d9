{{ config(materialized="view") }}

{% set prompt = ["instance", "project_id", "environment", "department", "prompt_name"] %}
{% set measures = {
    "cost_per_call_usd": 12, "mean_latency_ms": 3, "error_rate": 6, "quality": 6, "success_rate": 6,
} %}

with

days as (
    select
        *,
        min(usage_date) over version as version_first_used_date,
        dense_rank() over (version order by usage_date desc) as days_back
    from {{ ref("fct_prompt_performance_daily") }}
    where prompt_name <> 'no prompt'
    window version as (partition by {{ prompt | join(", ") }}, prompt_version)
),

-- Each version by its last days with calls: the old one as it was just before it was replaced.
versions as (
    select
        {{ prompt | join(",\n        ") }},
        prompt_version,
        (array_agg(project_name order by usage_date desc))[1] as project_name,
        min(version_first_used_date) as first_used_date,
        max(usage_date) as last_used_date,
        sum(calls)::bigint as calls,
        sum(cost_usd) as cost_usd,
        sum(cost_usd) / sum(calls) as cost_per_call_usd,
        sum(total_latency_ms) / nullif(sum(timed_calls), 0) as mean_latency_ms,
        sum(errors)::numeric / sum(calls) as error_rate,
        sum(judged_traces)::bigint as judged_traces,
        sum(total_quality) / nullif(sum(judged_traces), 0) as quality,
        sum(successful_traces)::numeric / nullif(sum(decided_traces), 0) as success_rate
    from days
    where days_back <= {{ var("prompt_drift_days") }}
    group by {{ prompt | join(", ") }}, prompt_version
),

compared as (
    select
        *,
        {% for measure in measures %}
        lag({{ measure }}) over versions_in_order as previous_{{ measure }},
        {% endfor %}
        lag(prompt_version) over versions_in_order as previous_prompt_version
    from versions
    window versions_in_order as (
        partition by {{ prompt | join(", ") }}
        order by prompt_version
    )
),

final as (
    select
        {{ prompt[:2] | join(",\n        ") }},
        project_name,
        {{ prompt[2:] | join(",\n        ") }},
        prompt_version,
        previous_prompt_version,
        first_used_date,
        last_used_date,
        calls,
        cost_usd,
        judged_traces,
        {% for measure, decimals in measures.items() %}
        trim_scale(round({{ measure }}, {{ decimals }})) as {{ measure }},
        {% endfor %}
        trim_scale(round(cost_per_call_usd / nullif(previous_cost_per_call_usd, 0) - 1, 6)) as cost_per_call_drift,
        trim_scale(round(mean_latency_ms / nullif(previous_mean_latency_ms, 0) - 1, 6)) as latency_drift,
        trim_scale(round(error_rate - previous_error_rate, 6)) as error_rate_drift,
        trim_scale(round(quality - previous_quality, 6)) as quality_drift,
        trim_scale(round(success_rate - previous_success_rate, 6)) as success_rate_drift
    from compared
)

select * from final
