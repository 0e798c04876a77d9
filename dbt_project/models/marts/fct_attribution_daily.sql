{{ config(materialized="view") }}

{% set place = ["usage_date", "instance", "project_id", "project_name", "environment"] %}
{% set levels = ["department", "team", "agent", "model"] %}

with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

-- One after the other rather than as grouping sets: then a filter on the day reaches the index.
levelled as (
    {% for level in levels %}
    {% set kept = levels[:loop.index] %}
    select
        {{ place | join(",\n        ") }},
        '{{ level }}' as attribution_level,
        {% for name in levels %}
        {{ name if name in kept else "'all'" }} as {{ name }},
        {% endfor %}
        {{ sum_of_measures() }}
    from days
    group by {{ (place + kept) | join(", ") }}
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from levelled
