{{ config(materialized="view") }}

with

generations as (
    select * from {{ ref("fct_generations") }}
),

parts as (
    select
        generations.usage_date,
        generations.instance,
        generations.project_id,
        generations.trace_id,
        generations.observation_id,
        generations.department,
        generations.model,
        generations.is_counted,
        types.usage_type,
        types.units::bigint as units,
        types.cost_usd
    from generations
    cross join
        lateral (
            values
            ('input', generations.input_tokens, generations.input_cost_usd),
            ('cached_input', generations.cached_input_tokens, generations.cached_input_cost_usd),
            ('cache_write', generations.cache_write_tokens, generations.cache_write_cost_usd),
            ('output', generations.output_tokens, generations.output_cost_usd)
            union all
            select
                keys.usage_type,
                coalesce((generations.other_usage ->> keys.usage_type)::numeric, 0)::bigint as units,
                coalesce((generations.other_costs_usd ->> keys.usage_type)::numeric, 0) as cost_usd
            from
                jsonb_object_keys(
                    coalesce(generations.other_usage, '{}') || coalesce(generations.other_costs_usd, '{}')
                ) as keys (usage_type)
            where keys.usage_type <> 'cache_write_1h'
        ) as types (usage_type, units, cost_usd)
    where types.units <> 0 or types.cost_usd <> 0
)

select * from parts
