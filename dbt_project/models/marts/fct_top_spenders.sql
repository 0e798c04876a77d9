{{ config(materialized="view") }}

{% set whose = ["instance", "project_id", "project_name", "environment", "department", "user_id"] %}

with

activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
),

newest as (
    select max(usage_date) as usage_date from activity
),

-- The newest day is a look-up in the index, and the days before it are a range of it.
days as (
    select *
    from activity
    where
        user_id <> 'unknown'
        and usage_date > (select newest.usage_date from newest) - {{ var("top_spender_days") }}
),

spent as (
    select
        {{ whose | join(",\n        ") }},
        max(usage_date) as last_used_date,
        count(distinct usage_date) as active_days,
        {{ sum_of_measures() }}
    from days
    group by {{ whose | join(", ") }}
),

final as (
    select
        *,
        rank() over (
            partition by instance, project_id
            order by cost_usd desc
        ) as cost_rank
    from spent
)

select * from final
