with

missing as (
    select distinct
        usage_date,
        currency
    from {{ ref("fct_cost_in_currency_daily") }}
    where
        cost_in_currency is null
        and usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
)

select * from missing
