{{ config(indexes=[{"columns": ["canonical_model"]}]) }}

-- What is for any project has no instance.
with

prices as (
    select * from {{ ref("int_prices_dated") }}
    where service_tier = 'standard' and pricing_tier_name is null
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

catalogue_prices as (
    select * from {{ ref("stg_prices__catalogue_prices") }}
),

used as (
    select
        prices.instance,
        prices.project_id,
        prices.model,
        models.canonical_model,
        models.provider,
        prices.valid_from,
        prices.valid_until,
        prices.daily_from,
        prices.above_input_tokens,
        prices.up_to_input_tokens,
        prices.price_source,
        prices.price_ref,
        1 - coalesce(prices.discount, 0) as share_paid,
        jsonb_strip_nulls(
            jsonb_build_object(
                'input', prices.input_price_usd,
                'cached_input', prices.cached_input_price_usd,
                'cache_write', prices.cache_write_price_usd,
                'output', prices.output_price_usd,
                'request', prices.request_price_usd
            )
        ) || coalesce(prices.other_prices_usd, '{}') as prices
    from prices
    inner join models on prices.model = models.model
),

wanted as (
    select distinct
        null::text as instance,
        null::text as project_id,
        null::text as model,
        split_part(price_ref, '/', 2) as canonical_model,
        split_part(price_ref, '/', 1) as provider,
        valid_from,
        valid_until,
        daily_from,
        above_input_tokens,
        up_to_input_tokens,
        catalogue as price_source,
        price_ref,
        1::numeric as share_paid,
        {{ with_price_fallbacks("prices") }} as prices
    from catalogue_prices
    where
        is_current
        and catalogue = 'genai-prices'
        and service_tier = 'standard'
        and price_ref = any('{{ "{" ~ var("candidate_models") | join(",") ~ "}" }}')
),

candidates as (
    select * from used
    union all
    select * from wanted
)

select * from candidates
