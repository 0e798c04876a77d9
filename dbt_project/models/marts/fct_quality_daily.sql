{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('score_date') }}",
    post_hook="{{ carry_days_over('score_date') }}",
    indexes=[{"columns": ["score_date"]}],
) }}

{% set cell = [
    "score_date", "instance", "project_id", "project_name", "environment", "department", "team", "agent", "score_name",
    "source", "data_type",
] %}

with

scores as (
    select
        {{ cell[:-2] | join(",
        ") }},
        coalesce(source, 'unknown') as source,
        data_type,
        numeric_value,
        quality,
        has_reached_target
    from {{ ref("fct_scores") }}
    where not is_vanished and {{ only_touched_days("score_date") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(*) as scores,
        count(numeric_value) as numeric_scores,
        trim_scale(coalesce(sum(numeric_value), 0)) as total_value,
        trim_scale(coalesce(sum(numeric_value * numeric_value), 0)) as total_squared_value,
        trim_scale(round(avg(numeric_value), 6)) as mean_value,
        trim_scale(
            round((percentile_cont(0.5) within group (order by numeric_value))::numeric, 6)
        ) as p50_value,
        trim_scale(min(numeric_value)) as minimum_value,
        trim_scale(max(numeric_value)) as maximum_value,
        count(quality) as judged_scores,
        trim_scale(coalesce(sum(quality), 0)) as total_quality,
        trim_scale(round(avg(quality), 6)) as quality,
        count(has_reached_target) as decided_scores,
        count(*) filter (where has_reached_target) as successful_scores,
        trim_scale(
            round(avg(has_reached_target::integer), 6)
        ) as success_rate
    from scores
    group by {{ cell | join(", ") }}
)

select * from days
