with

source as (
    select * from {{ source("raw", "server_days") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        batch_id,

        -- text
        source as api,

        -- timestamps
        utc_date,
        asked_at
    from source
)

select * from renamed
