{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}, {"columns": ["utc_date"]}],
) }}

{% set cell = [
    "usage_date", "utc_date", "instance", "project_id", "model", "canonical_model", "provider", "service_tier",
] %}

with

generations as (
    select
        *,
        (started_at at time zone 'UTC')::date as utc_date
    from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

calls as (
    select
        *,
        lower(coalesce(service_tier, 'standard')) as billed_tier
    from generations
),

cells as (
    select
        {{ cell[:-1] | join(",\n        ") }},
        billed_tier as service_tier,
        count(*) as calls,
        sum(input_tokens) as input_units,
        sum(cached_input_tokens) as cached_input_units,
        sum(cache_write_tokens) as cache_write_units,
        sum(output_tokens) as output_units,
        sum(input_cost_usd) as input_cost_usd,
        sum(cached_input_cost_usd) as cached_input_cost_usd,
        sum(cache_write_cost_usd) as cache_write_cost_usd,
        sum(output_cost_usd) as output_cost_usd,
        sum(cost_usd) as cost_usd
    from calls
    group by {{ cell[:-1] | join(", ") }}, billed_tier
),

main_types as (
    {% for usage_type in ["input", "cached_input", "cache_write", "output"] %}
    select
        {{ cell | join(",\n        ") }},
        '{{ usage_type }}' as usage_type,
        {{ usage_type }}_units as units,
        {{ usage_type }}_cost_usd as cost_usd
    from cells
    where {{ usage_type }}_units <> 0 or {{ usage_type }}_cost_usd <> 0
    {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Providers bill reasoning as output; writes to the cache that are kept for an hour are among its writes already.
other_types as (
    select
        {{ columns_of("calls", cell[:-1]) }},
        calls.billed_tier as service_tier,
        case when parts.usage_type = 'reasoning' then 'output' else parts.usage_type end as usage_type,
        coalesce((calls.other_usage ->> parts.usage_type)::numeric, 0) as units,
        coalesce((calls.other_costs_usd ->> parts.usage_type)::numeric, 0) as cost_usd
    from calls
    cross join
        lateral jsonb_object_keys(coalesce(calls.other_usage, '{}') || coalesce(calls.other_costs_usd, '{}'))
            as parts (usage_type)
    where
        (calls.other_usage is not null or calls.other_costs_usd is not null)
        and parts.usage_type <> 'cache_write_1h'
),

typed as (
    select * from main_types
    union all
    select * from other_types
),

by_type as (
    select
        {{ cell | join(",\n        ") }},
        usage_type,
        0::bigint as calls,
        sum(units) as units,
        sum(cost_usd) as cost_usd
    from typed
    group by {{ cell | join(", ") }}, usage_type
),

allocated as (
    select
        {{ cell | join(",\n        ") }},
        sum(cost_usd) as cost_usd
    from by_type
    group by {{ cell | join(", ") }}
),

unallocated as (
    select
        {{ columns_of("cells", cell) }},
        'unallocated' as usage_type,
        cells.calls,
        0::numeric as units,
        cells.cost_usd - coalesce(allocated.cost_usd, 0) as cost_usd
    from cells
    left join allocated
        on
            {{ same("cells", "allocated", cell) }}
),

final as (
    select * from by_type
    union all
    select * from unallocated
)

select * from final
