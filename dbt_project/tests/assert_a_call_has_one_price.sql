{% set key = ["instance", "project_id", "model", "service_tier"] %}

-- Pieces of the price book that would both price a call.

with

pieces as (
    select
        *,
        row_number() over () as piece_number,
        coalesce(pricing_tier_name, '') as tier_name,
        coalesce(daily_from, '00:00') as opens_at,
        coalesce(daily_until, '24:00') as closes_at,
        coalesce(up_to_input_tokens, {{ most_tokens() }}) as up_to_tokens
    from {{ ref("int_prices_dated") }}
),

overlapping as (
    select
        {{ columns_of("pieces", key) }},
        pieces.price_source,
        others.price_source as other_price_source
    from pieces
    inner join pieces as others
        on
            {{ same("pieces", "others", key) }}
            and pieces.tier_name = others.tier_name
            and pieces.piece_number < others.piece_number
            and pieces.valid_from < others.valid_until
            and pieces.valid_until > others.valid_from
            and pieces.opens_at < others.closes_at
            and pieces.closes_at > others.opens_at
            and pieces.above_input_tokens < others.up_to_tokens
            and pieces.up_to_tokens > others.above_input_tokens
)

select * from overlapping
