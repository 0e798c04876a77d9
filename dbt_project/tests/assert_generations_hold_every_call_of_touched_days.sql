{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

placed as (
    select
        usage_date,
        count(*) as calls,
        sum(coalesce(total_cost_usd, 0)) as cost_usd
    from {{ ref("int_observations_placed") }} as observations
    where
        is_generation
        and is_day_touched
        and not {{ has_carried_row(ref("fct_generations"), "observations", key, "usage_date") }}
    group by usage_date
),

generations as (
    select
        usage_date,
        count(*) as calls,
        sum(coalesce(recorded_cost_usd, 0)) as cost_usd
    from {{ ref("fct_generations") }}
    where
        usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
        and not {{ is_carried("usage_date") }}
    group by usage_date
),

differing as (
    select
        coalesce(placed.usage_date, generations.usage_date) as usage_date,
        generations.calls - placed.calls as calls_too_many,
        generations.cost_usd - placed.cost_usd as cost_usd_too_much
    from placed
    full outer join generations on placed.usage_date = generations.usage_date
    where (placed.calls, placed.cost_usd) is distinct from (generations.calls, generations.cost_usd)
)

select * from differing
