{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}]) }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

usage_types as (
    select * from {{ ref("usage_types") }}
),

generations as (
    select *
    from observations
    where is_generation
),

-- Typed and summed within each call's own row: as rows of a table they would be three times as many as the calls.
measured as (
    select
        -- ids
        generations.instance,
        generations.project_id,
        generations.trace_id,
        generations.observation_id,
        generations.parent_observation_id,
        generations.model_id,
        generations.response_id,

        -- text
        generations.model,
        generations.observation_type,
        generations.pricing_tier_name,
        generations.service_tier,
        generations.instrumentation,
        generations.usage_details,

        -- numerics
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.other_input_tokens,
        usage.output_tokens,
        coalesce(usage.stated_total_tokens, usage.sum_of_tokens) as total_tokens,
        usage.stated_total_tokens,
        usage.sum_of_tokens,
        usage.other_usage,
        -- Langfuse answers 0 for a call that it could not price, and then cost_details has no total.
        case
            when generations.total_cost_usd <> 0 or generations.cost_details ? 'total' then generations.total_cost_usd
        end as recorded_cost_usd,
        usage.recorded_input_cost_usd,
        usage.recorded_cached_input_cost_usd,
        usage.recorded_cache_write_cost_usd,
        usage.recorded_output_cost_usd,
        usage.recorded_other_costs_usd,
        generations.input_price_usd,

        -- booleans
        generations.is_error,
        generations.is_synthetic_root,
        coalesce(generations.is_replayed, false) as is_replayed,
        generations.is_day_touched,

        -- timestamps
        generations.usage_date,
        generations.started_at,
        generations.ended_at,
        generations.completion_started_at
    from generations
    cross join lateral (
        select
            coalesce(sum(typed.units) filter (where typed.usage_type = 'input'), 0)::bigint as input_tokens,
            coalesce(sum(typed.units) filter (where typed.usage_type = 'cached_input'), 0)::bigint
                as cached_input_tokens,
            -- Writes that are kept for an hour are among them; other_usage says how many.
            coalesce(sum(typed.units) filter (where typed.usage_type in ('cache_write', 'cache_write_1h')), 0)::bigint
                as cache_write_tokens,
            coalesce(sum(typed.units) filter (
                where typed.is_token
                and typed.direction = 'input'
                and typed.usage_type not in ('input', 'cached_input', 'cache_write', 'cache_write_1h')
            ), 0)::bigint as other_input_tokens,
            coalesce(sum(typed.units) filter (where typed.usage_type = 'output'), 0)::bigint as output_tokens,
            coalesce(sum(typed.units) filter (where typed.is_token), 0)::bigint as sum_of_tokens,
            (generations.usage_details ->> 'total')::numeric::bigint as stated_total_tokens,
            jsonb_object_agg(typed.usage_type, typed.units) filter (
                where typed.usage_type not in ('input', 'cached_input', 'cache_write', 'output') and typed.units <> 0
            ) as other_usage,
            coalesce(sum(typed.cost_usd) filter (where typed.usage_type = 'input'), 0) as recorded_input_cost_usd,
            coalesce(sum(typed.cost_usd) filter (where typed.usage_type = 'cached_input'), 0)
                as recorded_cached_input_cost_usd,
            coalesce(sum(typed.cost_usd) filter (where typed.usage_type in ('cache_write', 'cache_write_1h')), 0)
                as recorded_cache_write_cost_usd,
            coalesce(sum(typed.cost_usd) filter (where typed.usage_type = 'output'), 0) as recorded_output_cost_usd,
            jsonb_object_agg(typed.usage_type, typed.cost_usd) filter (
                where typed.usage_type not in ('input', 'cached_input', 'cache_write', 'cache_write_1h', 'output')
                and typed.cost_usd <> 0
            ) as recorded_other_costs_usd
        from (
            -- A key that the seed does not know is a usage type of its own.
            select
                coalesce(usage_types.usage_type, keys.usage_key) as usage_type,
                coalesce(usage_types.is_token, true) as is_token,
                coalesce(usage_types.direction, 'other') as direction,
                sum(coalesce((generations.usage_details ->> keys.usage_key)::numeric::bigint, 0))::bigint as units,
                sum(coalesce((generations.cost_details ->> keys.usage_key)::numeric, 0)) as cost_usd
            from jsonb_object_keys(generations.usage_details || generations.cost_details) as keys (usage_key)
            left join usage_types on keys.usage_key = usage_types.usage_key
            where keys.usage_key <> 'total'
            group by 1, 2, 3
        ) as typed
    ) as usage
)

select * from measured
