{# Touched days on which a roll-up's calls, cost or tokens differ from the counted calls that it rolls up. #}
{% macro differing_days(roll_up, tokens="total_tokens") -%}
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
    where is_counted and usage_date in (select days.reporting_day from days)
    group by usage_date
),

rolled_up as (
    select
        usage_date,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd,
        sum({{ tokens }}) as tokens
    from {{ ref(roll_up) }}
    where usage_date in (select days.reporting_day from days)
    group by usage_date
),

differing as (
    select
        coalesce(generations.usage_date, rolled_up.usage_date) as usage_date,
        rolled_up.calls - generations.calls as calls_too_many,
        rolled_up.cost_usd - generations.cost_usd as cost_usd_too_much,
        rolled_up.tokens - generations.tokens as tokens_too_many
    from generations
    full outer join rolled_up on generations.usage_date = rolled_up.usage_date
    where
        (generations.calls, generations.cost_usd, generations.tokens)
        is distinct from (rolled_up.calls, rolled_up.cost_usd, rolled_up.tokens)
)

select * from differing
{%- endmacro %}
