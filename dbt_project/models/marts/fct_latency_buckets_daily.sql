{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}, {"columns": ["measure", "usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "agent", "model",
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

cells as (
    select
        {{ cell | join(",\n        ") }},
        count(latency_ms) as latency_ms_calls,
        count(time_to_first_token_ms) as time_to_first_token_ms_calls,
        count(output_tokens_per_second) as output_tokens_per_second_calls,
        sum(public.bucketed(latency_ms)) as latency_ms_buckets,
        sum(public.bucketed(time_to_first_token_ms)) as time_to_first_token_ms_buckets,
        sum(public.bucketed(output_tokens_per_second)) as output_tokens_per_second_buckets
    from generations
    group by {{ cell | join(", ") }}
),

measured as (
    {% for measure in ["latency_ms", "time_to_first_token_ms", "output_tokens_per_second"] %}
    select
        {{ cell | join(",\n        ") }},
        '{{ measure }}' as measure,
        {{ measure }}_calls as calls,
        {{ measure }}_buckets as buckets
    from cells
    where {{ measure }}_calls > 0
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- What a query reads, a measure over a range of days, lies together on disk.
final as (
    select * from measured
    order by measure, usage_date
)

select * from final
