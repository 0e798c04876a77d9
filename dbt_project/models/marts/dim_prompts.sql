with

prompts as (
    select * from {{ ref("stg_langfuse__prompts") }}
),

final as (
    select
        prompts.instance,
        prompts.project_id,
        prompts.prompt_name,
        version as prompt_version,
        prompts.prompt_type,
        version = (select max(newest) from unnest(prompts.versions) as newest) as is_newest,
        prompts.tags,
        prompts.last_updated_at
    from prompts
    cross join lateral unnest(prompts.versions) as version
    where prompts.is_current
)

select * from final
