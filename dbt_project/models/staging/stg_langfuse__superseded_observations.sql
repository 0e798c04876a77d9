with

source as (
    select * from {{ source("raw", "superseded_observations") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        id as observation_id,
        nullif(user_id, '') as user_id,
        nullif(session_id, '') as session_id,
        superseded_by_batch_id,

        -- text
        nullif(model, '') as model,

        -- numerics
        coalesce(usage_details, '{}') as usage_details,
        total_cost as total_cost_usd,

        -- timestamps
        start_time as started_at,
        updated_at,
        superseded_at
    from source
)

select * from renamed
