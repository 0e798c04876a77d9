{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}]) }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

usage as (
    select * from {{ ref("int_generation_usage_mapped") }}
),

generations as (
    select *
    from observations
    where is_generation
),

tokens as (
    select
        instance,
        project_id,
        trace_id,
        observation_id,
        coalesce(sum(units) filter (where usage_type = 'input'), 0)::bigint as input_tokens,
        coalesce(sum(units) filter (where usage_type = 'cached_input'), 0)::bigint as cached_input_tokens,
        coalesce(sum(units) filter (where usage_type = 'cache_write'), 0)::bigint as cache_write_tokens,
        coalesce(sum(units) filter (where usage_type = 'output'), 0)::bigint as output_tokens,
        coalesce(sum(units) filter (where is_token), 0)::bigint as sum_of_tokens,
        jsonb_object_agg(usage_type, units) filter (
            where usage_type not in ('input', 'cached_input', 'cache_write', 'output') and units <> 0
        ) as other_usage
    from usage
    group by instance, project_id, trace_id, observation_id
),

measured as (
    select
        -- ids
        generations.instance,
        generations.project_id,
        generations.trace_id,
        generations.observation_id,
        generations.model,

        -- numerics
        coalesce(tokens.input_tokens, 0) as input_tokens,
        coalesce(tokens.cached_input_tokens, 0) as cached_input_tokens,
        coalesce(tokens.cache_write_tokens, 0) as cache_write_tokens,
        coalesce(tokens.output_tokens, 0) as output_tokens,
        coalesce((generations.usage_details ->> 'total')::numeric::bigint, tokens.sum_of_tokens, 0) as total_tokens,
        tokens.other_usage,
        -- Langfuse answers 0 for a call that it could not price, and then cost_details has no total.
        case
            when generations.total_cost_usd <> 0 or generations.cost_details ? 'total' then generations.total_cost_usd
        end as recorded_cost_usd,

        -- booleans
        not generations.is_synthetic_root as is_counted,
        case when generations.is_synthetic_root then 'synthetic root' end as not_counted_reason
    from generations
    left join tokens
        on
            generations.instance = tokens.instance
            and generations.project_id = tokens.project_id
            and generations.trace_id = tokens.trace_id
            and generations.observation_id = tokens.observation_id
)

select * from measured
