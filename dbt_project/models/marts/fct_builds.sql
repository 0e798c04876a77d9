{{ config(materialized="view") }}

with

source as (
    select * from {{ source("operations", "builds") }}
),

final as (
    select
        build_id,
        status,
        is_full_refresh,
        project_version,
        data_through_at,
        started_at,
        finished_at,
        published_at,
        message
    from source
)

select * from final
