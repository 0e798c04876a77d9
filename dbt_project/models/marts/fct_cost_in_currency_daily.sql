{{ config(materialized="view") }}

with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

rates as (
    select * from {{ ref("dim_exchange_rates") }}
    where currency = '{{ var("currency") }}'
),

final as (
    select
        days.usage_date,
        days.instance,
        days.project_id,
        days.project_name,
        days.environment,
        days.department,
        days.team,
        days.agent,
        days.model,
        days.canonical_model,
        days.provider,
        days.dimension_1,
        days.dimension_2,
        days.calls,
        days.cost_usd,
        '{{ var("currency") }}' as currency,
        rates.units_per_usd,
        rates.rate_date,
        days.cost_usd * rates.units_per_usd as cost_in_currency
    from days
    left join rates on days.usage_date = rates.calendar_date
)

select * from final
