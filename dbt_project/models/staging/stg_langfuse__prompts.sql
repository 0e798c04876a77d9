with

source as (
    select * from {{ source("raw", "prompts") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        name as prompt_name,
        batch_id,

        -- text
        type as prompt_type,
        versions,
        labels,
        tags,

        -- booleans
        known_to is null as is_current,

        -- timestamps
        last_updated_at,
        known_from,
        known_to
    from source
)

select * from renamed
