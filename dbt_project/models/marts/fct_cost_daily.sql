{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "environment", "department", "team", "agent", "model",
    "canonical_model", "provider", "dimension_1", "dimension_2",
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

usage as (
    select * from {{ ref("int_generation_usage_mapped") }}
),

days as (
    select * from {{ ref("fct_usage_daily") }}
    where {{ only_touched_days("usage_date") }}
),

-- What one uncached input token of the same call cost, else the price that Langfuse shows for its model.
input_prices as (
    select
        instance,
        project_id,
        trace_id,
        observation_id,
        coalesce(
            sum(cost_usd) filter (where usage_type = 'input' and cost_usd > 0)
            / nullif(sum(units) filter (where usage_type = 'input'), 0),
            max(input_price_usd)
        ) as input_price_usd
    from usage
    group by instance, project_id, trace_id, observation_id
),

parts as (
    select
        {{ columns_of("generations", cell) }},
        usage.usage_type,
        case when usage.is_token then usage.units else 0 end as tokens,
        usage.cost_usd,
        case
            when usage.usage_type in ('cached_input', 'cache_write') and usage.cost_usd > 0
                then trim_scale(round(usage.units * input_prices.input_price_usd - usage.cost_usd, 12))
        end as cached_savings_usd
    from generations
    inner join usage
        on
            generations.instance = usage.instance
            and generations.project_id = usage.project_id
            and generations.trace_id = usage.trace_id
            and generations.observation_id = usage.observation_id
    inner join input_prices
        on
            usage.instance = input_prices.instance
            and usage.project_id = input_prices.project_id
            and usage.trace_id = input_prices.trace_id
            and usage.observation_id = input_prices.observation_id
),

by_type as (
    select
        {{ cell | join(",\n        ") }},
        usage_type,
        0::bigint as calls,
        sum(tokens)::bigint as tokens,
        sum(cost_usd) as cost_usd,
        coalesce(sum(cached_savings_usd), 0) as cached_savings_usd
    from parts
    group by {{ cell | join(", ") }}, usage_type
),

allocated as (
    select
        {{ cell | join(",\n        ") }},
        sum(tokens) as tokens,
        sum(cost_usd) as cost_usd
    from by_type
    group by {{ cell | join(", ") }}
),

-- Langfuse's total is cut to 12 decimals and may be given without parts: what they leave of it stands here.
unallocated as (
    select
        {{ columns_of("days", cell) }},
        'unallocated' as usage_type,
        days.calls,
        (days.total_tokens - coalesce(allocated.tokens, 0))::bigint as tokens,
        days.cost_usd - coalesce(allocated.cost_usd, 0) as cost_usd,
        0::numeric as cached_savings_usd
    from days
    left join allocated
        on
            {{ same("days", "allocated", cell) }}
),

final as (
    select * from by_type
    union all
    select * from unallocated
)

select * from final
