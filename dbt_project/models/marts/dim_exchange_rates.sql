with

rates as (
    select
        *,
        lead(rate_date, 1, 'infinity') over (partition by currency order by rate_date) as next_rate_date
    from {{ ref("exchange_rates") }}
),

-- A rate holds on its own day and, if the variable says so, on days after it that have none.
held as (
    select
        rates.rate_date + numbers.number as calendar_date,
        rates.currency,
        rates.units_per_usd,
        rates.rate_date
    from rates
    cross join generate_series(0, {{ var("exchange_rate_days_carried") | int }}) as numbers (number)
    where rates.rate_date + numbers.number < rates.next_rate_date
),

dates as (
    select * from {{ ref("dim_dates") }}
),

final as (
    select * from held
    union all
    select
        calendar_date,
        'USD' as currency,
        1::numeric as units_per_usd,
        calendar_date as rate_date
    from dates
)

select * from final
