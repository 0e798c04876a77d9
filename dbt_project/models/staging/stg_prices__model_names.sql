with

source as (
    select * from {{ source("raw", "model_names") }}
),

renamed as (
    select
        -- ids
        model,
        price_ref,
        batch_id,

        -- text
        canonical_model,
        provider,
        served_by,
        matched_by,
        catalogue_version,

        -- timestamps
        known_from
    from source
)

select * from renamed
