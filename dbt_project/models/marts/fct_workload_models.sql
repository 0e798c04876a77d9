-- Made whole by each build, from the last 30 days of a daily roll-up.

{% set workload = ["instance", "project_id", "project_name", "department", "agent", "prompt_name"] %}
{% set cell = workload + ["canonical_model"] %}
{% set sums = [
    "calls", "errors", "unpriced_calls", "input_tokens", "cached_input_tokens", "cache_write_tokens",
    "total_input_tokens", "output_tokens", "total_tokens", "scored_traces",
] %}

with

workload_days as not materialized (
    select * from {{ ref("fct_workload_daily") }}
),

newest as (
    select max(usage_date) as as_of_date from workload_days
),

days as (
    select
        workload_days.*,
        newest.as_of_date,
        newest.as_of_date - min(workload_days.usage_date) over (partition by workload_days.instance) + 1 as days_of_data
    from workload_days
    inner join newest
        on
            workload_days.usage_date > newest.as_of_date - 30
            and workload_days.usage_date <= newest.as_of_date
),

{{ sum_of_other_usage("days", cell) }},

models as (
    select
        {{ cell | join(",\n        ") }},
        min(provider) as provider,
        min(as_of_date) as as_of_date,
        min(days_of_data) as days_of_data,
        {% for column in sums -%}
        sum({{ column }})::bigint as {{ column }},
        {% endfor -%}
        sum(cost_usd) as cost_usd,
        trim_scale(round(sum(quality_sum) / nullif(sum(scored_traces), 0), 12)) as quality,
        trim_scale(round(
            {{ sample_variance("sum(scored_traces)", "sum(quality_sum)", "sum(quality_square_sum)") }}, 12
        )) as quality_variance
    from days
    group by {{ cell | join(", ") }}
),

final as (
    select
        {{ columns_of("models", workload) }},
        models.canonical_model,
        models.provider,
        models.as_of_date,
        models.days_of_data,
        row_number() over (
            partition by {{ columns_of("models", workload) }}
            order by models.calls desc, models.canonical_model asc
        ) = 1 as is_most_used,
        {% for column in sums -%}
        models.{{ column }},
        {% endfor -%}
        other_types.other_usage,
        models.cost_usd,
        models.quality,
        models.quality_variance
    from models
    left join other_types
        on
            {{ same("models", "other_types", cell) }}
)

select * from final
