{% set key = ["instance", "project_id", "user_id"] %}
{% set whose = ["instance", "project_id", "environment", "department", "user_id"] %}

{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_keys(ref('int_users_touched'), ['instance', 'project_id', 'user_id']) }}",
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
    cross join {{ rows_by_key("activity", "touched", key) }} as activity
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

followed as (
    select
        *,
        (week_start_date - cohort_week_start_date) / 7 as weeks_since_first_use,
        (week_start_date - lag(week_start_date) over (
            partition by {{ whose | join(", ") }}
            order by week_start_date
        )) / 7 as weeks_since_last_use
    from weeks
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
