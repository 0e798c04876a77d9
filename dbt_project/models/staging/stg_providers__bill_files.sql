with

source as (
    select * from {{ source("raw", "bill_files") }}
),

renamed as (
    select
        -- ids
        batch_id,

        -- text
        provider,
        format,
        file_name,

        -- numerics
        lines,

        -- timestamps
        first_date,
        last_date,
        loaded_at
    from source
)

select * from renamed
