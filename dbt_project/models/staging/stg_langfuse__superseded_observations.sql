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
        superseded_by_batch_id,

        -- timestamps
        start_time as started_at,
        superseded_at
    from source
)

select * from renamed
