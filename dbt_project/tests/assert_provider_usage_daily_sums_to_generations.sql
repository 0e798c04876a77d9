with

days as (
    select * from {{ ref("int_days_touched") }}
),

generations as (
    select
        usage_date,
        count(*) as calls,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_generations") }}
    where is_counted and usage_date in (select days.reporting_day from days)
    group by usage_date
),

usage as (
    select
        usage_date,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_provider_usage_daily") }}
    where usage_date in (select days.reporting_day from days)
    group by usage_date
),

differing as (
    select coalesce(generations.usage_date, usage.usage_date) as usage_date
    from generations
    full outer join usage on generations.usage_date = usage.usage_date
    where (generations.calls, generations.cost_usd) is distinct from (usage.calls, usage.cost_usd)
)

select * from differing
