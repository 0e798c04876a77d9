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

observations as (
    select
        usage_date,
        count(*) as calls,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_observations") }}
    where is_counted and usage_date in (select days.reporting_day from days)
    group by usage_date
),

differing as (
    select
        coalesce(generations.usage_date, observations.usage_date) as usage_date,
        observations.calls - generations.calls as calls_too_many,
        observations.cost_usd - generations.cost_usd as cost_usd_too_much
    from generations
    full outer join observations on generations.usage_date = observations.usage_date
    where (generations.calls, generations.cost_usd) is distinct from (observations.calls, observations.cost_usd)
)

select * from differing
