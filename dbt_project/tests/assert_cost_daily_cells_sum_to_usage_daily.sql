{% set cell = [
    "usage_date", "instance", "project_id", "environment", "department", "team", "agent", "model", "dimension_1",
    "dimension_2",
] %}

with

usage_days as (
    select * from {{ ref("fct_usage_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
),

cost_days as (
    select
        {{ cell | join(", ") }},
        sum(calls) as calls,
        sum(tokens) as tokens,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_cost_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
    group by {{ cell | join(", ") }}
),

differing as (
    select
        {{ columns_of("usage_days", cell) }},
        cost_days.cost_usd - usage_days.cost_usd as cost_usd_too_much
    from usage_days
    full outer join cost_days
        on
            {{ same("usage_days", "cost_days", cell) }}
    where
        (usage_days.calls, usage_days.total_tokens, usage_days.cost_usd)
        is distinct from (cost_days.calls, cost_days.tokens, cost_days.cost_usd)
)

select * from differing
