{% set widths_of_80 = 2.563103 %}

-- Made whole by each build, from a row per budget and day.
with

spending as (
    select * from {{ ref("fct_budget_spending_daily") }}
),

forecasts as (
    select
        *,
        case when level = 'project' then split_part(key, '/', 2) else key end as scope_value,
        ((upper_80 - lower_80) / {{ widths_of_80 }}) ^ 2 as variance
    from {{ ref("fct_forecasts") }}
    where metric = 'cost_usd' and level in ('total', 'project', 'agent')
),

-- The forecast of the day itself or, while that goes on, of the day before.
origins as (
    select
        spending.budget,
        spending.usage_date,
        spending.days_left,
        forecasts.origin_date,
        sum(forecasts.expected) as expected_usd,
        sum(forecasts.variance) as variance,
        count(distinct forecasts.forecast_date) as forecast_days
    from spending
    cross join generate_series(0, 1) as numbers (age)
    inner join forecasts
        on
            spending.usage_date - numbers.age = forecasts.origin_date
            and case when spending.scope = 'all' then 'total' else spending.scope end = forecasts.level
            and spending.scope_value = forecasts.scope_value
            and spending.usage_date < forecasts.forecast_date
            and spending.period_end_date >= forecasts.forecast_date
    group by spending.budget, spending.usage_date, spending.days_left, forecasts.origin_date
),

newest as (
    select distinct on (budget, usage_date)
        budget,
        usage_date,
        -- Days beyond the forecast's horizon are as those within it.
        expected_usd * days_left / forecast_days as ahead_usd,
        variance * days_left / forecast_days as ahead_variance
    from origins
    order by budget asc, usage_date asc, origin_date desc
),

-- Else the pace of the days before: the mean of m days says the next n days within n·s² + n²·s²/m.
projected as (
    select
        spending.*,
        case
            when spending.days_left = 0 then 'over'
            when newest.budget is not null then 'forecast'
            when spending.pace_days >= 7 then 'pace'
            else 'none'
        end as projection_basis,
        spending.spent_usd + spending.committed_ahead_usd + case
            when spending.days_left = 0 then 0
            when newest.budget is not null then newest.ahead_usd
            when spending.pace_days >= 7 then spending.mean_day_usd * spending.days_left
        end as projected_usd,
        sqrt(case
            when spending.days_left = 0 then 0
            when newest.budget is not null then newest.ahead_variance
            when spending.pace_days >= 7
                then
                    spending.day_variance * spending.days_left
                    * (1 + spending.days_left::numeric / spending.pace_days)
        end) as deviation_usd
    from spending
    left join newest on spending.budget = newest.budget and spending.usage_date = newest.usage_date
),

judged as (
    select
        *,
        case
            when spent_usd >= limit_usd then 1
            when deviation_usd = 0 then (projected_usd >= limit_usd)::integer
            else {{ normal_share_below("((projected_usd - limit_usd) / nullif(deviation_usd, 0))") }}
        end as exhaustion_probability,
        min(case when spent_usd >= limit_usd then usage_date end) over (
            partition by budget, period_start_date
            order by usage_date
        ) as exhausted_date,
        case
            when projected_usd >= limit_usd and projected_usd > spent_usd
                then ceil((limit_usd - spent_usd) * days_left / (projected_usd - spent_usd))::integer
        end as days_to_exhaustion
    from projected
),

final as (
    select
        usage_date,
        budget,
        scope,
        scope_value,
        department,
        period,
        period_start_date,
        period_end_date,
        limit_usd,
        warn_at,
        alert_at,
        call_cost_usd,
        commitment_cost_usd,
        spent_usd,
        limit_usd - spent_usd as left_usd,
        trim_scale(round(spent_usd / limit_usd, 6)) as used_share,
        days_left,
        projection_basis,
        trim_scale(round(projected_usd, 12)) as projected_usd,
        trim_scale(round(greatest(projected_usd - 1.281552 * deviation_usd, spent_usd), 12)) as projected_lower_80_usd,
        trim_scale(round(projected_usd + 1.281552 * deviation_usd, 12)) as projected_upper_80_usd,
        trim_scale(round(exhaustion_probability::numeric, 6)) as exhaustion_probability,
        coalesce(exhausted_date, usage_date + days_to_exhaustion) as exhaustion_date,
        case
            when spent_usd >= limit_usd then 'exhausted'
            when spent_usd >= limit_usd * alert_at then 'alert'
            when spent_usd >= limit_usd * warn_at then 'warning'
            when exhaustion_probability >= 0.5 then 'at risk'
            else 'ok'
        end as budget_status
    from judged
)

select * from final
