with

source as (
    select * from {{ source("raw", "observations") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        id as observation_id,
        nullif(parent_observation_id, '') as parent_observation_id,
        nullif(user_id, '') as user_id,
        nullif(session_id, '') as session_id,
        nullif(model_id, '') as model_id,
        nullif(prompt_id, '') as prompt_id,
        batch_id,

        -- text
        type as observation_type,
        nullif(name, '') as observation_name,
        nullif(trace_name, '') as trace_name,
        nullif(level, '') as level,
        nullif(status_message, '') as status_message,
        nullif(version, '') as version,
        nullif(release, '') as release,
        nullif(environment, '') as environment,
        nullif(model, '') as model,
        nullif(usage_pricing_tier_name, '') as pricing_tier_name,
        model_parameters,
        nullif(prompt_name, '') as prompt_name,
        coalesce(tags, '{}') as tags,
        metadata,

        -- numerics
        prompt_version,
        latency_seconds,
        time_to_first_token_seconds,
        input_price as input_price_usd,
        coalesce(usage_details, '{}') as usage_details,
        coalesce(cost_details, '{}') as cost_details,
        total_cost as total_cost_usd,

        -- booleans
        coalesce(is_root_observation, false) as is_marked_root,

        -- timestamps
        start_month,
        start_time as started_at,
        end_time as ended_at,
        completion_start_time as completion_started_at,
        updated_at,
        vanished_at
    from source
)

select * from renamed
