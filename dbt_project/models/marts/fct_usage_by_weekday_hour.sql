{{ config(materialized="view") }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "team", "agent",
] %}

with

hours as (
    select
        *,
        extract(hour from usage_hour at time zone '{{ var("timezone") }}')::integer as hour_of_day
    from {{ ref("fct_usage_hourly") }}
),

-- An hour that the clock shows twice, when summer ends, is one hour of the day.
patterned as (
    select
        {{ cell | join(",\n        ") }},
        extract(isodow from usage_date)::integer as weekday_number,
        trim(to_char(usage_date, 'Day')) as weekday_name,
        hour_of_day,
        {{ sum_of_measures() }}
    from hours
    group by {{ cell | join(", ") }}, hour_of_day
)

select * from patterned
