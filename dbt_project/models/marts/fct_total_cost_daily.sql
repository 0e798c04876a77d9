{{ config(materialized="view") }}

with

usage as (
    select * from {{ ref("fct_usage_daily") }}
),

commitments as (
    select * from {{ ref("fct_commitment_costs_daily") }}
),

final as (
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        team,
        agent,
        model,
        canonical_model,
        provider,
        dimension_1,
        dimension_2,
        'none' as commitment,
        calls,
        cost_usd as call_cost_usd,
        0::numeric as commitment_cost_usd,
        cost_usd as total_cost_usd
    from usage
    union all
    select
        usage_date,
        instance,
        project_id,
        project_name,
        'default' as environment,
        department,
        team,
        agent,
        canonical_model as model,
        canonical_model,
        provider,
        'not set' as dimension_1,
        'not set' as dimension_2,
        commitment,
        0::bigint as calls,
        0::numeric as call_cost_usd,
        cost_usd as commitment_cost_usd,
        cost_usd as total_cost_usd
    from commitments
)

select * from final
