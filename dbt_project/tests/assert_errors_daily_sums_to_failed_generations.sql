with

days as (
    select * from {{ ref("int_days_touched") }}
),

generations as (
    select
        usage_date,
        count(*) as calls,
        sum(cost_usd) as cost_usd,
        sum(total_tokens) as tokens
    from {{ ref("fct_generations") }}
    where is_counted and is_error and usage_date in (select days.reporting_day from days)
    group by usage_date
),

errors as (
    select
        usage_date,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd,
        sum(total_tokens) as tokens
    from {{ ref("fct_errors_daily") }}
    where usage_date in (select days.reporting_day from days)
    group by usage_date
    having sum(calls) > 0
),

differing as (
    select
        coalesce(generations.usage_date, errors.usage_date) as usage_date,
        errors.calls - generations.calls as calls_too_many,
        errors.cost_usd - generations.cost_usd as cost_usd_too_much
    from generations
    full outer join errors on generations.usage_date = errors.usage_date
    where
        (generations.calls, generations.cost_usd, generations.tokens)
        is distinct from (errors.calls, errors.cost_usd, errors.tokens)
)

select * from differing
