{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

priced as (
    select * from {{ ref("int_generations_priced") }}
),

steps as (
    select
        instance,
        project_id,
        trace_id,
        count(*) filter (where not is_synthetic_root) as observations,
        count(*) filter (where is_error and not is_synthetic_root) as errors
    from observations
    group by instance, project_id, trace_id
),

tags as (
    select
        observations.instance,
        observations.project_id,
        observations.trace_id,
        array_agg(distinct tag order by tag) as tags
    from observations
    cross join lateral unnest(observations.tags) as tag
    group by observations.instance, observations.project_id, observations.trace_id
),

totals as (
    select
        instance,
        project_id,
        trace_id,
        count(*) as generations,
        count(distinct model) as model_count,
        sum(total_tokens)::bigint as total_tokens,
        sum(cost_usd) as cost_usd
    from priced
    where is_counted
    group by instance, project_id, trace_id
),

traces as (
    select
        steps.instance,
        steps.project_id,
        steps.trace_id,
        coalesce(tags.tags, '{}') as tags,
        steps.observations,
        coalesce(totals.generations, 0) as generations,
        coalesce(totals.model_count, 0) as model_count,
        steps.errors,
        steps.errors > 0 as is_error,
        coalesce(totals.total_tokens, 0) as total_tokens,
        coalesce(totals.cost_usd, 0) as cost_usd
    from steps
    left join tags
        on
            steps.instance = tags.instance
            and steps.project_id = tags.project_id
            and steps.trace_id = tags.trace_id
    left join totals
        on
            steps.instance = totals.instance
            and steps.project_id = totals.project_id
            and steps.trace_id = totals.trace_id
)

select * from traces
