{% set history_days = 28 %}

-- Made whole by each build: it reads roll-ups by scope of the budgets' own scopes, and a budget has a row a day.
with

budgets as (
    select * from {{ ref("dim_budgets") }}
),

scopes as (
    select * from {{ ref("fct_cost_by_scope_daily") }}
),

commitments as (
    select * from {{ ref("int_commitments_dated") }}
),

dates as (
    select * from {{ ref("dim_dates") }}
),

bounds as (
    select
        min(usage_date) as first_usage_date,
        max(usage_date) as last_usage_date
    from {{ ref("fct_usage_daily") }}
),

called as (
    select
        budgets.budget,
        budgets.first_date,
        scopes.usage_date,
        sum(scopes.cost_usd) as cost_usd
    from budgets
    inner join scopes
        on
            case when budgets.scope = 'project' then 'all' else budgets.scope end = scopes.scope
            and case when budgets.scope = 'project' then 'all' else budgets.scope_value end = scopes.scope_value
            and (budgets.scope <> 'project' or budgets.scope_value = scopes.project_id)
    group by budgets.budget, budgets.first_date, scopes.usage_date
),

committed as (
    select
        budgets.budget,
        budgets.first_date,
        commitments.usage_date,
        sum(commitments.cost_usd) as cost_usd
    from budgets
    inner join commitments
        on
            budgets.scope_value = case budgets.scope
                when 'all' then 'all'
                when 'project' then commitments.project_id
                when 'department' then commitments.department
                when 'team' then commitments.team
                when 'agent' then commitments.agent
                when 'model' then commitments.model
            end
    group by budgets.budget, budgets.first_date, commitments.usage_date
),

-- Days before a budget begins tell its pace, days to come what is committed.
days as (
    select
        budgets.*,
        dates.calendar_date as usage_date,
        bounds.last_usage_date,
        greatest(
            case budgets.period
                when 'month' then dates.month_start_date
                when 'quarter' then dates.quarter_start_date
                when 'year' then date_trunc('year', dates.calendar_date)::date
                when 'fiscal_quarter' then dates.fiscal_quarter_start_date
                when 'fiscal_year' then dates.fiscal_year_start_date
            end,
            budgets.first_date
        ) as period_start_date,
        least(
            case budgets.period
                when 'month' then dates.month_end_date
                when 'quarter' then dates.quarter_end_date
                when 'year' then dates.year_end_date
                when 'fiscal_quarter' then dates.fiscal_quarter_end_date
                when 'fiscal_year' then dates.fiscal_year_end_date
            end,
            budgets.last_date
        ) as period_end_date
    from budgets
    cross join bounds
    inner join dates
        on
            dates.calendar_date >= greatest(budgets.first_date - {{ history_days }}, bounds.first_usage_date)
            and dates.calendar_date <= coalesce(budgets.last_date, dates.calendar_date)
),

spent as (
    select
        days.*,
        coalesce(called.cost_usd, 0) as call_cost_usd,
        coalesce(committed.cost_usd, 0) as commitment_cost_usd
    from days
    left join called
        on
            days.budget = called.budget
            and days.first_date = called.first_date
            and days.usage_date = called.usage_date
    left join committed
        on
            days.budget = committed.budget
            and days.first_date = committed.first_date
            and days.usage_date = committed.usage_date
),

summed as (
    select
        *,
        -- Days of the same month that lie before the budget begins are none of its period.
        sum(call_cost_usd + commitment_cost_usd) filter (where usage_date >= period_start_date) over to_date
            as spent_usd,
        sum(commitment_cost_usd) over whole_period - sum(commitment_cost_usd) over to_date as committed_ahead_usd,
        avg(call_cost_usd) over before as mean_day_usd,
        var_samp(call_cost_usd) over before as day_variance,
        (count(*) over before)::integer as pace_days
    from spent
    window
        whole_period as (partition by budget, first_date, period_start_date),
        to_date as (partition by budget, first_date, period_start_date order by usage_date),
        before as (
            partition by budget, first_date order by usage_date
            rows between {{ history_days }} preceding and 1 preceding
        )
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
        period_end_date - usage_date as days_left,
        committed_ahead_usd,
        trim_scale(round(mean_day_usd, 12)) as mean_day_usd,
        trim_scale(round(day_variance, 12)) as day_variance,
        pace_days
    from summed
    where usage_date between first_date and last_usage_date
)

select * from final
