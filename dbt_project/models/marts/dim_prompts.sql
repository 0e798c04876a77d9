with

prompts as (
    select * from {{ ref("stg_langfuse__prompts") }}
    where is_current
),

versions as (
    select * from {{ ref("stg_langfuse__prompt_versions") }}
    where is_current
),

listed as (
    select
        prompts.*,
        version as prompt_version,
        version = (select max(newest) from unnest(prompts.versions) as newest) as is_newest
    from prompts
    cross join lateral unnest(prompts.versions) as version
),

final as (
    select
        listed.instance,
        listed.project_id,
        listed.prompt_name,
        listed.prompt_version,
        listed.prompt_type,
        listed.is_newest,
        coalesce(versions.labels, '{}') as labels,
        coalesce(versions.tags, listed.tags, '{}') as tags,
        versions.commit_message,
        versions.created_at,
        coalesce(versions.updated_at, listed.last_updated_at) as last_updated_at
    from listed
    left join versions
        on
            listed.instance = versions.instance
            and listed.project_id = versions.project_id
            and listed.prompt_name = versions.prompt_name
            and listed.prompt_version = versions.prompt_version
)

select * from final
