with

source as (
    select * from {{ source("raw", "models") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        id as model_id,
        batch_id,

        -- text
        model_name,
        match_pattern,
        unit,
        pricing_tiers,

        -- numerics
        input_price as input_price_usd,
        output_price as output_price_usd,
        total_price as total_price_usd,

        -- booleans
        coalesce(is_langfuse_managed, false) as is_langfuse_managed,
        known_to is null as is_current,

        -- timestamps
        start_date as starts_at,
        known_from,
        known_to
    from source
)

select * from renamed
