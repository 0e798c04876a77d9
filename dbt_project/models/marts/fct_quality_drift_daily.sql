{{ config(materialized="view") }}

{% set series = [
    "instance", "project_id", "environment", "department", "team", "agent", "score_name", "source", "data_type",
] %}
{% set recent_days, earlier_days = var("quality_drift_days").recent, var("quality_drift_days").earlier %}

-- A view, for each day looks back on others, which a late score may change.
with

days as (
    select
        *,
        {% for measure in ["numeric_scores", "total_value", "total_squared_value"] %}
        sum({{ measure }}) over (
            series_in_order range between interval '{{ recent_days - 1 }} days' preceding and current row
        ) as recent_{{ measure }},
        sum({{ measure }}) over (
            series_in_order
            range between interval '{{ recent_days + earlier_days - 1 }} days' preceding
            and interval '{{ recent_days }} days' preceding
        ) as earlier_{{ measure }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref("fct_quality_daily") }}
    where numeric_scores > 0
    window series_in_order as (
        partition by {{ series | join(", ") }}
        order by score_date
    )
),

-- The variance of a mean: that of the values, with one degree of freedom less, by how many they are.
spread as (
    select
        *,
        {% for period in ["recent", "earlier"] %}
        {{ period }}_total_value / nullif({{ period }}_numeric_scores, 0) as {{ period }}_mean_value,
        case
            when {{ period }}_numeric_scores > 1
                then greatest(
                    {{ period }}_total_squared_value
                    - {{ period }}_total_value * {{ period }}_total_value / {{ period }}_numeric_scores,
                    0
                ) / ({{ period }}_numeric_scores - 1) / {{ period }}_numeric_scores
        end as {{ period }}_variance{{ "," if not loop.last }}
        {% endfor %}
    from days
),

drift as (
    select
        *,
        recent_mean_value - earlier_mean_value as value_drift,
        sqrt(recent_variance + earlier_variance) as standard_error
    from spread
),

final as (
    select
        score_date,
        {{ series[:2] | join(",\n        ") }},
        project_name,
        {{ series[2:] | join(",\n        ") }},
        numeric_scores,
        mean_value,
        recent_numeric_scores::bigint as recent_scores,
        trim_scale(round(recent_mean_value, 6)) as recent_mean_value,
        coalesce(earlier_numeric_scores, 0)::bigint as earlier_scores,
        trim_scale(round(earlier_mean_value, 6)) as earlier_mean_value,
        trim_scale(round(value_drift, 6)) as value_drift,
        trim_scale(round(standard_error, 6)) as standard_error,
        trim_scale(round(value_drift / nullif(round(standard_error, 12), 0), 3)) as drift_z
    from drift
)

select * from final
