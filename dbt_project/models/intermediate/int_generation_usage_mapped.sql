{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}]) }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

usage_types as (
    select * from {{ ref("usage_types") }}
),

generations as (
    select *
    from observations
    where is_generation
),

parts as (
    select
        generations.instance,
        generations.project_id,
        generations.trace_id,
        generations.observation_id,
        generations.input_price_usd,
        keys.usage_key,
        coalesce((generations.usage_details ->> keys.usage_key)::numeric, 0)::bigint as units,
        coalesce((generations.cost_details ->> keys.usage_key)::numeric, 0) as cost_usd
    from generations
    cross join
        lateral jsonb_object_keys(generations.usage_details || generations.cost_details) as keys (usage_key)
    where keys.usage_key <> 'total'
),

-- A key that the seed does not know is a usage type of its own.
typed as (
    select
        parts.*,
        coalesce(usage_types.usage_type, parts.usage_key) as usage_type,
        coalesce(usage_types.is_token, true) as is_token
    from parts
    left join usage_types on parts.usage_key = usage_types.usage_key
),

summed as (
    select
        instance,
        project_id,
        trace_id,
        observation_id,
        usage_type,
        is_token,
        sum(units)::bigint as units,
        sum(cost_usd) as cost_usd,
        max(input_price_usd) as input_price_usd
    from typed
    group by instance, project_id, trace_id, observation_id, usage_type, is_token
)

select * from summed
