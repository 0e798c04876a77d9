with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

models as (
    select * from {{ ref("stg_langfuse__models") }}
),

used as (
    select
        instance,
        project_id,
        model,
        canonical_model,
        provider,
        min(usage_date) as first_used_date,
        max(usage_date) as last_used_date
    from days
    group by instance, project_id, model, canonical_model, provider
),

-- A project's own definition goes before a built-in one of the same name.
defined as (
    select distinct on (instance, project_id, model_name)
        instance,
        project_id,
        model_name,
        input_price_usd,
        output_price_usd,
        is_langfuse_managed
    from models
    where is_current
    order by
        instance asc, project_id asc, model_name asc, is_langfuse_managed asc, starts_at desc nulls last, model_id asc
),

final as (
    select
        used.instance,
        used.project_id,
        used.model,
        used.canonical_model,
        used.provider,
        used.first_used_date,
        used.last_used_date,
        defined.input_price_usd * 1000000 as input_price_usd_per_million,
        defined.output_price_usd * 1000000 as output_price_usd_per_million,
        not defined.is_langfuse_managed as is_priced_by_team
    from used
    left join defined
        on
            used.instance = defined.instance
            and used.project_id = defined.project_id
            and used.model = defined.model_name
)

select * from final
