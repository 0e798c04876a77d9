with

source as (
    select * from {{ source("raw", "bill_lines") }}
),

renamed as (
    select
        -- ids
        batch_id,

        -- text
        provider,
        account,
        format,
        model,
        usage_type,
        service_tier,

        -- numerics
        units,
        requests,
        cost_usd,
        cost_decimals,
        line_number,

        -- timestamps
        usage_date
    from source
)

select * from renamed
