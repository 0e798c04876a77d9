with

source as (
    select * from {{ source("raw", "trace_months") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        trace_id,

        -- timestamps
        start_month
    from source
)

select * from renamed
