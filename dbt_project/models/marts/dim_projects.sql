with

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

final as (
    select
        instance,
        project_id,
        project_name,
        organization_id,
        organization_name,
        host,
        retention_days
    from projects
)

select * from final
