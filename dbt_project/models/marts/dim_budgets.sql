with

budgets as (
    select * from {{ ref("budgets") }}
),

final as (
    select
        budget,
        first_date,
        last_date,
        scope,
        coalesce(scope_value, 'all') as scope_value,
        case when scope = 'department' then scope_value else 'all' end as department,
        period,
        limit_usd,
        coalesce(warn_at, 0.8) as warn_at,
        coalesce(alert_at, 1) as alert_at
    from budgets
)

select * from final
