with

source as (
    select * from {{ source("raw", "projects") }}
),

renamed as (
    select
        -- ids
        instance,
        project_id,
        organization_id,
        batch_id,

        -- text
        coalesce(nullif(name, ''), project_id) as project_name,
        organization_name,
        host,

        -- numerics
        retention_days,

        -- timestamps
        loaded_at
    from source
)

select * from renamed
