with

usage_days as (
    select
        usage_date,
        instance,
        project_id,
        environment,
        sum(calls) as calls,
        sum(total_tokens) as total_tokens,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_usage_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
    group by usage_date, instance, project_id, environment
),

levels as (
    select
        usage_date,
        instance,
        project_id,
        environment,
        attribution_level,
        sum(calls) as calls,
        sum(total_tokens) as total_tokens,
        sum(cost_usd) as cost_usd
    from {{ ref("fct_attribution_daily") }}
    where usage_date in (select days.reporting_day from {{ ref("int_days_touched") }} as days)
    group by usage_date, instance, project_id, environment, attribution_level
),

wanted as (
    select
        usage_days.*,
        names.attribution_level
    from usage_days
    cross join (values ('department'), ('team'), ('agent'), ('model')) as names (attribution_level)
),

differing as (
    select
        wanted.usage_date,
        wanted.attribution_level,
        levels.cost_usd - wanted.cost_usd as cost_usd_too_much
    from wanted
    full outer join levels
        on
            {{ same("wanted", "levels", ["usage_date", "instance", "project_id", "environment", "attribution_level"]) }}
    where
        (wanted.calls, wanted.total_tokens, wanted.cost_usd)
        is distinct from (levels.calls, levels.total_tokens, levels.cost_usd)
)

select * from differing
