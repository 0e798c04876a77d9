{{ config(materialized="view") }}

{% set place = ["instance", "project_id", "project_name", "environment", "department"] %}

with

weeks as (
    select * from {{ ref("fct_user_activity_weekly") }}
),

cohorts as (
    select
        cohort_week_start_date,
        week_start_date,
        {{ place | join(",\n        ") }},
        weeks_since_first_use,
        count(*) as active_users,
        count(*) filter (where retention_status = 'new') as new_users,
        count(*) filter (where retention_status = 'joined') as joined_users,
        count(*) filter (where retention_status = 'retained') as retained_users,
        count(*) filter (where retention_status = 'returned') as returned_users,
        sum(active_days)::bigint as active_days
    from weeks
    group by cohort_week_start_date, week_start_date, {{ place | join(", ") }}, weeks_since_first_use
),

final as (
    select
        *,
        -- Whoever of the cohort came to the department in its first week.
        sum(new_users) over (
            partition by cohort_week_start_date, {{ place | join(", ") }}
        )::bigint as cohort_users
    from cohorts
)

select * from final
