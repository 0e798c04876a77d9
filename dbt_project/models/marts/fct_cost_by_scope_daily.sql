{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}, {"columns": ["scope", "scope_value", "usage_date"]}],
) }}

with

days as (
    select * from {{ ref("fct_usage_daily") }}
    where {{ only_touched_days("usage_date") }}
),

final as (
    select
        days.usage_date,
        days.instance,
        days.project_id,
        scopes.scope,
        scopes.scope_value,
        case when scopes.scope = 'department' then scopes.scope_value else 'all' end as department,
        sum(days.calls)::bigint as calls,
        sum(days.cost_usd) as cost_usd
    from days
    cross join
        lateral (
            values
            ('all', 'all'),
            ('department', days.department),
            ('team', days.team),
            ('agent', days.agent),
            ('model', days.canonical_model)
        ) as scopes (scope, scope_value)
    group by days.usage_date, days.instance, days.project_id, scopes.scope, scopes.scope_value
)

select * from final
