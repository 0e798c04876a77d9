with

source as (
    select * from {{ source("raw", "scores") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        id as score_id,
        trace_id,
        nullif(observation_id, '') as observation_id,
        nullif(session_id, '') as session_id,
        batch_id,

        -- text
        name as score_name,
        source,
        data_type,
        string_value,
        nullif(environment, '') as environment,

        -- numerics
        numeric_value,

        -- timestamps
        scored_at,
        updated_at,
        vanished_at
    from source
)

select * from renamed
