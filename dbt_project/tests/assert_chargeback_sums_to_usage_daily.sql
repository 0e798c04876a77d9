with

months as (
    select distinct date_trunc('month', reporting_day)::date as service_month
    from {{ ref("int_days_touched") }}
),

usage as (
    select
        months.service_month,
        sum(days.calls) as calls,
        sum(days.cost_usd) as cost_usd
    from months
    inner join {{ ref("fct_usage_daily") }} as days
        on
            months.service_month <= days.usage_date
            and months.service_month + interval '1 month' > days.usage_date
    group by months.service_month
),

chargeback as (
    select
        months.service_month,
        sum(postings.calls) as calls,
        sum(postings.cost_usd) as cost_usd
    from months
    inner join {{ ref("fct_chargeback_monthly") }} as postings on months.service_month = postings.service_month
    group by months.service_month
),

differing as (
    select
        coalesce(usage.service_month, chargeback.service_month) as service_month,
        chargeback.cost_usd - usage.cost_usd as cost_usd_too_much
    from usage
    full outer join chargeback on usage.service_month = chargeback.service_month
    where
        (coalesce(usage.calls, 0), coalesce(usage.cost_usd, 0))
        is distinct from (coalesce(chargeback.calls, 0), coalesce(chargeback.cost_usd, 0))
)

select * from differing
