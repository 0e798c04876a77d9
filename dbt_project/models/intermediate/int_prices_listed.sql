{{ config(indexes=[{"columns": ["listing_key"]}]) }}

with

catalogue_prices as (
    select * from {{ ref("stg_prices__catalogue_prices") }}
),

model_names as (
    select * from {{ ref("stg_prices__model_names") }}
),

models as (
    select * from {{ ref("stg_langfuse__models") }}
),

usage_types as (
    select * from {{ ref("usage_types") }}
),

-- Of the thousands of models in a catalogue only those that are used.
catalogued as (
    select
        {{ entry_key() }} as listing_key,
        catalogue as price_source,
        price_ref,
        service_tier,
        '' as pricing_tier_name,
        0 as priority,
        valid_from,
        valid_until,
        coalesce(daily_from, '00:00') as daily_from,
        coalesce(daily_until, '24:00') as daily_until,
        above_input_tokens,
        up_to_input_tokens,
        prices,
        coalesce(discount, 0) as discount,
        cost_basis,
        is_current,
        known_from,
        known_to
    from catalogue_prices
    where catalogue = 'team' or price_ref in (select model_names.price_ref from model_names)
),

definitions as (
    select distinct
        {{ definition_key() }} as listing_key,
        case when is_langfuse_managed then 'langfuse' else 'langfuse_project' end as price_source,
        model_name as price_ref,
        coalesce(starts_at, '-infinity') as valid_from,
        case
            when pricing_tiers <> '[]' then pricing_tiers
            else
                jsonb_build_array(
                    jsonb_build_object(
                        'isDefault', true, 'prices', jsonb_strip_nulls(
                            jsonb_build_object(
                                'input', input_price_usd, 'output', output_price_usd, 'total', total_price_usd
                            )
                        )
                    )
                )
        end as pricing_tiers
    from models
),

-- The first tier whose conditions a call meets is its tier, the default one stands last.
tiers as (
    select
        definitions.listing_key,
        definitions.price_source,
        definitions.price_ref,
        definitions.valid_from,
        tiers.tier_number,
        tiers.tier ->> 'name' as tier_name,
        tiers.tier -> 'prices' as prices,
        coalesce((tiers.tier ->> 'isDefault')::boolean, false) as is_default,
        case
            when (tiers.tier ->> 'isDefault')::boolean then 1000000
            else coalesce((tiers.tier ->> 'priority')::integer, 0)
        end as priority,
        case
            when (tiers.tier ->> 'isDefault')::boolean or jsonb_typeof(tiers.tier -> 'conditions') <> 'array' then '[]'
            else coalesce(tiers.tier -> 'conditions', '[]')
        end as conditions
    from definitions
    cross join lateral jsonb_array_elements(definitions.pricing_tiers) with ordinality as tiers (tier, tier_number)
),

conditions as (
    select
        tiers.listing_key,
        tiers.tier_number,
        conditions.condition ->> 'source' = 'model_parameters'
        and conditions.condition ->> 'key' in ('service_tier', 'serviceTier', 'speed')
        and conditions.condition ->> 'operator' = 'in' as is_of_service_tier,
        conditions.condition ->> 'usageDetailPattern' ~* 'input'
        and not conditions.condition ->> 'usageDetailPattern' ~* 'output'
        and conditions.condition ->> 'operator' in ('gt', 'gte', 'lt', 'lte') as is_of_input_tokens,
        conditions.condition ->> 'operator' as operator,
        conditions.condition -> 'values' as names,
        (conditions.condition ->> 'value')::numeric as tokens
    from tiers
    cross join lateral jsonb_array_elements(tiers.conditions) as conditions (condition)
),

-- Conditions that say nothing of service tier or size of the input cannot be told from a call: then the name tells.
conditioned as (
    select
        listing_key,
        tier_number,
        bool_and(coalesce(is_of_service_tier, false) or coalesce(is_of_input_tokens, false))
        and count(*) filter (where is_of_service_tier) < 2 as is_understood,
        (array_agg(names) filter (where is_of_service_tier))[1] as service_tiers,
        max(
            case operator when 'gt' then floor(tokens) when 'gte' then ceil(tokens) - 1 end
        ) filter (where is_of_input_tokens) as above_input_tokens,
        min(
            case operator when 'lte' then floor(tokens) when 'lt' then ceil(tokens) - 1 end
        ) filter (where is_of_input_tokens) as up_to_input_tokens
    from conditions
    group by listing_key, tier_number
),

-- Several keys of Langfuse are one usage type of ours; the plainest says its price.
tier_prices as (
    select distinct on (tiers.listing_key, tiers.tier_number, usage_type)
        tiers.listing_key,
        tiers.tier_number,
        coalesce(usage_types.usage_type, prices.usage_key) as usage_type,
        prices.price::numeric as price
    from tiers
    cross join lateral jsonb_each_text(tiers.prices) as prices (usage_key, price)
    left join usage_types on prices.usage_key = usage_types.usage_key
    where prices.price is not null
    order by
        tiers.listing_key asc, tiers.tier_number asc, usage_type asc,
        prices.usage_key = coalesce(usage_types.usage_type, prices.usage_key) desc, prices.usage_key asc
),

tier_price_lists as (
    select
        listing_key,
        tier_number,
        jsonb_object_agg(usage_type, price) as prices
    from tier_prices
    group by listing_key, tier_number
),

defined as (
    select
        tiers.listing_key,
        tiers.price_source,
        tiers.price_ref,
        case
            when conditioned.is_understood
                then case when names.service_tier in ('default', 'auto') then 'standard' else names.service_tier end
        end as service_tier,
        case when not conditioned.is_understood then tiers.tier_name else '' end as pricing_tier_name,
        tiers.priority,
        tiers.valid_from,
        'infinity'::timestamptz as valid_until,
        '00:00'::time as daily_from,
        '24:00'::time as daily_until,
        case when conditioned.is_understood then coalesce(conditioned.above_input_tokens::bigint, -1) else -1 end
            as above_input_tokens,
        case when conditioned.is_understood then conditioned.up_to_input_tokens::bigint end as up_to_input_tokens,
        tier_price_lists.prices,
        0::numeric as discount,
        'list' as cost_basis,
        true as is_current,
        null::timestamptz as known_from,
        null::timestamptz as known_to
    from tiers
    inner join tier_price_lists
        on
            tiers.listing_key = tier_price_lists.listing_key
            and tiers.tier_number = tier_price_lists.tier_number
    left join conditioned
        on
            tiers.listing_key = conditioned.listing_key
            and tiers.tier_number = conditioned.tier_number
    left join lateral (
        select lower(listed.name) as service_tier
        from jsonb_array_elements_text(conditioned.service_tiers) as listed (name)
    ) as names on true
    where conditioned.is_understood is not false or tiers.tier_name <> ''
),

listed as (
    select * from catalogued
    union all
    select * from defined
),

final as (
    select
        listing_key,
        price_source,
        price_ref,
        service_tier,
        pricing_tier_name,
        priority,
        valid_from,
        valid_until,
        daily_from,
        daily_until,
        -- The lowest tier holds calls without any input, too.
        case when above_input_tokens > 0 then above_input_tokens else -1 end as above_input_tokens,
        up_to_input_tokens,
        case when prices = '{}' then prices else {{ with_price_fallbacks("prices") }} end as prices,
        discount,
        cost_basis,
        is_current,
        known_from,
        known_to
    from listed
)

select * from final
