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
{% set measures = ["latency_ms", "time_to_first_token_ms", "output_tokens_per_second"] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

cells as (
    select
        {{ cell | join(",\n        ") }},
        {% for measure in measures -%}
        count({{ measure }}) as {{ measure }}_calls,
        sum(public.bucketed({{ measure }})) as {{ measure }}_buckets{{ "," if not loop.last }}
        {% endfor -%}
    from generations
    group by {{ cell | join(", ") }}
),

measured as (
    {% for measure in measures -%}
    select
        {{ cell | join(",\n        ") }},
        '{{ measure }}' as measure,
        {{ measure }}_calls as calls,
        {{ measure }}_buckets as buckets
    from cells
    where {{ measure }}_calls > 0
    {{ "union all" if not loop.last }}
    {% endfor -%}
),

-- What a query reads, a measure over a range of days, lies together on disk.
final as (
    select * from measured
    order by measure, usage_date
)

select * from final
