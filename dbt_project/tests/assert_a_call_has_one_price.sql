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
            and others.valid_from < pieces.valid_until
            and pieces.opens_at < others.closes_at
            and others.opens_at < pieces.closes_at
            and pieces.above_input_tokens < others.up_to_tokens
            and others.above_input_tokens < pieces.up_to_tokens
)

select * from overlapping
