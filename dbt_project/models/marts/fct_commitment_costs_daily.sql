with

costs as (
    select * from {{ ref("int_commitments_dated") }}
),

projects as (
    select * from {{ ref("dim_projects") }}
),

-- Days to come are no cost yet.
bounds as (
    select max(usage_date) as last_date from {{ ref("fct_usage_daily") }}
),

final as (
    select
        costs.usage_date,
        costs.instance,
        costs.project_id,
        coalesce(projects.project_name, costs.project_id) as project_name,
        costs.commitment,
        costs.department,
        costs.team,
        costs.agent,
        costs.model as canonical_model,
        costs.provider,
        costs.first_date,
        costs.last_date,
        costs.cost_per,
        costs.cost_usd
    from costs
    inner join bounds on costs.usage_date <= bounds.last_date
    left join projects on costs.instance = projects.instance and costs.project_id = projects.project_id
)

select * from final
