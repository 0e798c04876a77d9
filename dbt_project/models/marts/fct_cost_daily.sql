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

usage_types as (
    select * from {{ ref("usage_types") }}
),

token_types as (
    select distinct
        usage_type,
        is_token
    from usage_types
),

-- Summed side by side first: each call once, not once for each of its usage types.
cells as (
    select
        {{ cell | join(",\n        ") }},
        count(*) as calls,
        sum(input_tokens) as input_tokens,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(output_tokens) as output_tokens,
        sum(total_tokens) as total_tokens,
        sum(input_cost_usd) as input_cost_usd,
        sum(cached_input_cost_usd) as cached_input_cost_usd,
        sum(cache_write_cost_usd) as cache_write_cost_usd,
        sum(output_cost_usd) as output_cost_usd,
        sum(cost_usd) as cost_usd,
        -- What a cache saves is told where it is read, what filling it costs comes off there too.
        sum(cached_savings_usd) as cached_savings_usd
    from generations
    group by {{ cell | join(", ") }}
),

main_types as (
    {% for usage_type in ["input", "cached_input", "cache_write", "output"] %}
    select
        {{ cell | join(",\n        ") }},
        '{{ usage_type }}' as usage_type,
        {{ usage_type }}_tokens as tokens,
        {{ usage_type }}_cost_usd as cost_usd,
        {{ "cached_savings_usd" if usage_type == "cached_input" else "0::numeric as cached_savings_usd" }}
    from cells
    where
        {{ usage_type }}_tokens <> 0
        or {{ usage_type }}_cost_usd <> 0
        {{ "or cached_savings_usd <> 0" if usage_type == "cached_input" }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Writes to the cache that are kept for an hour are among its writes already.
other_types as (
    select
        {{ columns_of("generations", cell) }},
        parts.usage_type,
        sum(
            case
                when coalesce(token_types.is_token, true)
                    then coalesce((generations.other_usage ->> parts.usage_type)::numeric, 0)
                else 0
            end
        ) as tokens,
        coalesce(sum((generations.other_costs_usd ->> parts.usage_type)::numeric), 0) as cost_usd,
        0::numeric as cached_savings_usd
    from generations
    cross join
        lateral jsonb_object_keys(
            coalesce(generations.other_usage, '{}') || coalesce(generations.other_costs_usd, '{}')
        ) as parts (usage_type)
    left join token_types on parts.usage_type = token_types.usage_type
    where
        (generations.other_usage is not null or generations.other_costs_usd is not null)
        and parts.usage_type <> 'cache_write_1h'
    group by
        {{ columns_of("generations", cell) }},
        parts.usage_type
),

by_type as (
    select * from main_types
    union all
    select * from other_types
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
        {{ columns_of("cells", cell) }},
        'unallocated' as usage_type,
        cells.total_tokens - coalesce(allocated.tokens, 0) as tokens,
        cells.cost_usd - coalesce(allocated.cost_usd, 0) as cost_usd,
        0::numeric as cached_savings_usd,
        cells.calls
    from cells
    left join allocated
        on
            {{ same("cells", "allocated", cell) }}
),

final as (
    select
        {{ cell | join(",\n        ") }},
        usage_type,
        0::bigint as calls,
        tokens::bigint as tokens,
        cost_usd,
        cached_savings_usd
    from by_type
    union all
    select
        {{ cell | join(",\n        ") }},
        usage_type,
        calls,
        tokens::bigint as tokens,
        cost_usd,
        cached_savings_usd
    from unallocated
)

select * from final
