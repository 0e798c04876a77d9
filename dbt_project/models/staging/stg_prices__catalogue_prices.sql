with

source as (
    select * from {{ source("raw", "catalogue_prices") }}
),

renamed as (
    select
        -- ids
        catalogue,
        price_ref,
        batch_id,

        -- text
        served_by,
        model,
        model_pattern,
        service_tier,
        prices,
        cost_basis,
        catalogue_version,

        -- numerics
        above_input_tokens,
        up_to_input_tokens,
        discount,

        -- booleans
        known_to is null as is_current,

        -- timestamps
        valid_from,
        valid_until,
        daily_from,
        daily_until,
        known_from,
        known_to
    from source
)

select * from renamed
