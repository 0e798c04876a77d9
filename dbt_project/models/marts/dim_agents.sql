with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

final as (
    select
        instance,
        project_id,
        agent,
        min(usage_date) as first_used_date,
        max(usage_date) as last_used_date,
        sum(calls)::bigint as calls_to_date,
        sum(total_tokens)::bigint as tokens_to_date,
        sum(cost_usd) as cost_to_date_usd
    from days
    group by instance, project_id, agent
)

select * from final
