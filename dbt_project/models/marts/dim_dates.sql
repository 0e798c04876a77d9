with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

bounds as (
    select
        coalesce(date_trunc('year', min(usage_date)), date '2023-01-01')::date as first_date,
        coalesce(date_trunc('year', max(usage_date)) + interval '2 years', date '2027-01-01')::date - 1 as last_date
    from days
),

dates as (
    select generated.moment::date as calendar_date
    from bounds
    cross join generate_series(bounds.first_date, bounds.last_date, interval '1 day') as generated (moment)
),

final as (
    select
        calendar_date,
        date_trunc('week', calendar_date)::date as week_start_date,
        date_trunc('month', calendar_date)::date as month_start_date,
        date_trunc('quarter', calendar_date)::date as quarter_start_date,
        extract(year from calendar_date)::integer as year_number,
        extract(month from calendar_date)::integer as month_number,
        extract(isodow from calendar_date)::integer as weekday_number,
        trim(to_char(calendar_date, 'Day')) as weekday_name,
        extract(isodow from calendar_date) >= 6 as is_weekend
    from dates
)

select * from final
