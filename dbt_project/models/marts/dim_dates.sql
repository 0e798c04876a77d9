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

fiscal as (
    select
        calendar_date,
        {{ fiscal_year_start("calendar_date") }} as fiscal_year_start_date
    from dates
),

-- A fiscal year is as long as twelve months, so its quarters and months are counted from its first day.
counted as (
    select
        *,
        (
            extract(year from age(date_trunc('month', calendar_date), fiscal_year_start_date)) * 12
            + extract(month from age(date_trunc('month', calendar_date), fiscal_year_start_date))
        )::integer as fiscal_months_before
    from fiscal
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
        extract(isodow from calendar_date) >= 6 as is_weekend,
        (date_trunc('month', calendar_date) + interval '1 month')::date - 1 as month_end_date,
        (date_trunc('quarter', calendar_date) + interval '3 months')::date - 1 as quarter_end_date,
        (date_trunc('year', calendar_date) + interval '1 year')::date - 1 as year_end_date,
        extract(year from fiscal_year_start_date + interval '1 year' - interval '1 day')::integer as fiscal_year,
        fiscal_months_before / 3 + 1 as fiscal_quarter,
        fiscal_months_before + 1 as fiscal_month,
        fiscal_year_start_date,
        (fiscal_year_start_date + interval '1 year')::date - 1 as fiscal_year_end_date,
        (fiscal_year_start_date + (fiscal_months_before / 3 * 3) * interval '1 month')::date
            as fiscal_quarter_start_date,
        (fiscal_year_start_date + (fiscal_months_before / 3 * 3 + 3) * interval '1 month')::date - 1
            as fiscal_quarter_end_date
    from counted
)

select * from final
