with

source as (
    select * from {{ source("raw", "server_totals") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        batch_id,

        -- text
        coalesce(nullif(model, ''), 'unknown') as model,

        -- numerics
        calls,
        total_tokens,
        total_cost_usd,

        -- timestamps
        utc_date,
        asked_at
    from source
)

select * from renamed
