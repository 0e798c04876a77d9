with

days as (
    select * from {{ ref("fct_user_activity_daily") }}
),

final as (
    select
        instance,
        project_id,
        user_id,
        min(usage_date) as first_used_date,
        max(usage_date) as last_used_date
    from days
    where user_id <> 'unknown'
    group by instance, project_id, user_id
)

select * from final
