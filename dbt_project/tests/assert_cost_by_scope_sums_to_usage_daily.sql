with

usage as (
    select
        usage_date,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_usage_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
    group by usage_date
),

scopes as (
    select
        usage_date,
        scope,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_cost_by_scope_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
    group by usage_date, scope
),

differing as (
    select
        usage.usage_date,
        scopes.scope,
        scopes.cost_usd - usage.cost_usd as cost_usd_too_much
    from usage
    full outer join scopes on usage.usage_date = scopes.usage_date
    where (usage.calls, usage.cost_usd) is distinct from (scopes.calls, scopes.cost_usd)
)

select * from differing
