with

source as (
    select * from {{ source("raw", "prompt_versions") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        name as prompt_name,
        version as prompt_version,
        batch_id,

        -- text
        labels,
        tags,
        nullif(commit_message, '') as commit_message,

        -- booleans
        known_to is null as is_current,

        -- timestamps
        created_at,
        updated_at
    from source
)

select * from renamed
