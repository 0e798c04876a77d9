with

source as (
    select * from {{ source("raw", "superseded_scores") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        id as score_id,
        trace_id,
        superseded_by_batch_id,

        -- timestamps
        scored_at,
        superseded_at
    from source
)

select * from renamed
