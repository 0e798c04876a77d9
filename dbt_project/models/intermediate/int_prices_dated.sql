with

models as (
    select * from {{ ref("int_models_canonical") }}
),

prices as (
    select
        null::text as instance,
        null::text as project_id,
        model,
        null::text as service_tier,
        null::timestamptz as valid_from,
        null::timestamptz as valid_until,
        null::time as daily_from,
        null::time as daily_until,
        null::bigint as above_input_tokens,
        null::bigint as up_to_input_tokens,
        null::text as price_source,
        null::text as price_ref,
        null::text as pricing_tier_name,
        null::numeric as input_price_usd,
        null::numeric as cached_input_price_usd,
        null::numeric as cache_write_price_usd,
        null::numeric as output_price_usd,
        null::numeric as request_price_usd,
        null::jsonb as other_prices_usd,
        null::numeric as discount,
        null::text as cost_basis
    from models
    where false
)

select * from prices
