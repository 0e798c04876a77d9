{% set key = ["billing_month", "provider", "canonical_model", "usage_type"] %}
{% set parts = ["time_zone", "unmatched", "untraced", "volume", "cache", "tier", "price"] %}

with

cells as (
    select * from {{ ref("fct_bill_cells_monthly") }}
),

-- Twenty places, so that what is divided below stays exact far beyond the cent.
with_type as (
    select
        *,
        round(cost_usd, 20) as own_cost,
        sum(units) over (partition by {{ key | join(", ") }}) as type_units,
        round(sum(cost_usd) over (partition by {{ key | join(", ") }}), 20) as type_cost
    from cells
),

-- Where the bill tells no units its prices are taken for ours. A tier that was not traced has the bill's price.
tiers as (
    select
        *,
        case
            when billed_units is not null then billed_units
            when units > 0 and own_cost > 0 then round(billed_cost_usd, 20) * units / own_cost
            when type_units > 0 and type_cost > 0 then round(billed_cost_usd, 20) * type_units / type_cost
            else units
        end as units_on_bill,
        case
            when billed_units is null and units > 0 and own_cost <= 0 then own_cost
            when billed_units is not null and units > 0 then own_cost * billed_units / units
            else billed_cost_usd
        end as billed_at_own_prices
    from with_type
),

types as (
    select
        {{ key | join(",\n        ") }},
        bool_or(is_traced) as is_traced,
        usage_type in ('input', 'cached_input', 'cache_write') as is_cacheable,
        sum(calls)::bigint as calls,
        case when bool_and(billed_units is not null) then sum(billed_units) end as billed_units,
        sum(units) as units,
        sum(units_on_bill) as units_on_bill,
        sum(units_on_bill) - sum(units) as more_units,
        sum(billed_cost_usd) as billed_cost_usd,
        sum(own_cost) as own_cost,
        sum(reported_cost_usd) as reported_cost_usd,
        sum(billed_at_own_prices) as billed_at_own_prices,
        sum(rounding_bound_usd) as rounding_bound_usd
    from tiers
    group by {{ key | join(", ") }}
),

-- Input that stands on the bill as another kind of input: as many units as are too many here and too few there.
balanced as (
    select
        *,
        sum(greatest(more_units, 0)) over kinds_of_input as units_above,
        sum(greatest(-more_units, 0)) over kinds_of_input as units_below
    from types
    window kinds_of_input as (partition by billing_month, provider, canonical_model, is_cacheable)
),

moved as (
    select
        *,
        case
            when not is_cacheable or not is_traced then 0
            when more_units > 0 then more_units * least(units_above, units_below) / units_above
            when more_units < 0 then more_units * least(units_above, units_below) / units_below
            else 0
        end as moved_units
    from balanced
),

-- A type that was traced is valued at what a unit of it cost, another one at what the bill asks for it.
valued as (
    select
        *,
        case
            when units > 0 then own_cost * moved_units / units
            when units_on_bill > 0 then billed_at_own_prices * moved_units / units_on_bill
            else 0
        end as cache_cost,
        case
            when units > 0 then own_cost * (more_units - moved_units) / units
            when units_on_bill > 0
                then billed_at_own_prices * (more_units - moved_units) / units_on_bill - own_cost
            else billed_at_own_prices - own_cost
        end as amount_cost,
        case
            when units > 0 then billed_at_own_prices - own_cost * units_on_bill / units
            else 0
        end as tier_cost
    from moved
),

split as (
    select
        *,
        billed_cost_usd - reported_cost_usd as difference_usd,
        round(own_cost - reported_cost_usd, 12) as time_zone_usd,
        case when is_traced then 0 else billed_cost_usd end as unmatched_usd,
        case when is_traced then round(greatest(amount_cost, 0), 12) else 0 end as untraced_usd,
        case when is_traced then round(least(amount_cost, 0), 12) else round(-own_cost, 12) end as volume_usd,
        case when is_traced then round(cache_cost, 12) else 0 end as cache_usd,
        case when is_traced then round(tier_cost, 12) else 0 end as tier_usd,
        case
            when is_traced and abs(billed_cost_usd - billed_at_own_prices) > rounding_bound_usd
                then round(billed_cost_usd - billed_at_own_prices, 12)
            else 0
        end as price_usd
    from valued
),

final as (
    select
        {{ key | join(",\n        ") }},
        is_traced,
        calls,
        billed_units,
        units,
        billed_cost_usd,
        trim_scale(reported_cost_usd) as cost_usd,
        trim_scale(difference_usd) as difference_usd,
        {% for part in parts %}
        trim_scale({{ part }}_usd) as {{ part }}_difference_usd,
        {% endfor %}
        trim_scale(
            difference_usd
            {%- for part in parts %}
            - {{ part }}_usd
            {%- endfor %}
        ) as rounding_difference_usd
    from split
)

select * from final
