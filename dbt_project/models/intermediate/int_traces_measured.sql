{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

-- Read more than once, each time for a few columns: as one it would be written out in its whole width.
observations as not materialized (
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
        count(*) filter (where is_error and not is_synthetic_root) as errors,
        count(*) filter (where is_error and is_generation and not is_synthetic_root) as generation_errors,
        min(completion_started_at) filter (where not is_synthetic_root) as first_token_at
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
        sum(input_tokens)::bigint as input_tokens,
        sum(cached_input_tokens)::bigint as cached_input_tokens,
        sum(cache_write_tokens)::bigint as cache_write_tokens,
        sum(total_input_tokens)::bigint as total_input_tokens,
        sum(output_tokens)::bigint as output_tokens,
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
        steps.generation_errors,
        steps.errors > 0 as is_error,
        steps.first_token_at,
        coalesce(totals.input_tokens, 0) as input_tokens,
        coalesce(totals.cached_input_tokens, 0) as cached_input_tokens,
        coalesce(totals.cache_write_tokens, 0) as cache_write_tokens,
        coalesce(totals.total_input_tokens, 0) as total_input_tokens,
        coalesce(totals.output_tokens, 0) as output_tokens,
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
