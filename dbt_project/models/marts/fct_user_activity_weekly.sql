{% set key = ["instance", "project_id", "user_id"] %}
{% set from_first_week = {"column": "usage_date", "value": first_touched_week()} %}
{% set whose = ["instance", "project_id", "environment", "department", "user_id"] %}

{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_keys(ref('int_users_touched'), ['instance', 'project_id', 'user_id'], 'week_start_date') }}",
    indexes=[{"columns": ["week_start_date"]}, {"columns": ["instance", "project_id", "user_id"]}],
) }}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
    where user_id <> 'unknown'
),

touched as (
    select * from {{ ref("int_users_touched") }}
),

activity_of_users as (
    {% if is_incremental() %}
    select activity.*
    from touched
    cross join {{ rows_by_key("activity", "touched", key, from_first_week) }} as activity
    {% else %}
    select * from activity
    {% endif %}
),

weeks as (
    select
        {{ whose | join(",\n        ") }},
        date_trunc('week', usage_date)::date as week_start_date,
        date_trunc('week', min(usage_date - days_since_first_use))::date as cohort_week_start_date,
        (array_agg(project_name order by usage_date desc))[1] as project_name,
        count(distinct usage_date) as active_days
    from activity_of_users
    group by {{ whose | join(", ") }}, date_trunc('week', usage_date)
),

-- The use before lies in a week that may not be made anew, so it is looked up.
followed as (
    select
        weeks.*,
        (weeks.week_start_date - weeks.cohort_week_start_date) / 7 as weeks_since_first_use,
        (weeks.week_start_date - last_use.week_start_date) / 7 as weeks_since_last_use
    from weeks
    left join lateral (
        select date_trunc('week', activity.usage_date)::date as week_start_date
        from activity
        where
            {{ same("weeks", "activity", whose) }}
            and weeks.week_start_date > activity.usage_date
        order by activity.usage_date desc
        limit 1
    ) as last_use on true
),

final as (
    select
        week_start_date,
        {{ whose[:2] | join(",\n        ") }},
        project_name,
        {{ whose[2:] | join(",\n        ") }},
        cohort_week_start_date,
        weeks_since_first_use,
        weeks_since_last_use,
        active_days,
        case
            when weeks_since_first_use = 0 then 'new'
            when weeks_since_last_use = 1 then 'retained'
            when weeks_since_last_use > 1 then 'returned'
            else 'joined'
        end as retention_status
    from followed
)

select * from final
