{{ config(indexes=[{"columns": ["instance", "project_id", "model"]}]) }}

{% set time = ["valid_from", "valid_until"] %}
{% set day = ["daily_from", "daily_until"] %}
{% set size = ["above_tokens", "up_to_tokens"] %}
{% set cell = ["shelf"] + time + day + size %}
{% set content = [
    "shelf", "book", "tier", "tier_name", "price_source", "price_ref", "prices", "discount", "cost_basis",
] %}

with

matched as (
    select * from {{ ref("int_prices_matched") }}
    where is_current
),

offers as (
    select * from {{ ref("int_prices_offered") }}
),

models as (
    select distinct
        instance,
        project_id,
        model,
        book
    from matched
),

-- Time, day and size are cut wherever an offer begins or ends.
moments as (
    select distinct
        shelf,
        unnest(array[valid_from, valid_until]) as moment
    from offers
),

times as (
    select
        shelf,
        moment as valid_from,
        lead(moment) over (partition by shelf order by moment) as valid_until
    from moments
),

clocks as (
    select distinct
        shelf,
        unnest(array['00:00', daily_from, daily_until, '24:00']::time[]) as clock
    from offers
),

windows as (
    select
        shelf,
        clock as daily_from,
        lead(clock) over (partition by shelf order by clock) as daily_until
    from clocks
),

thresholds as (
    select distinct
        shelf,
        unnest(array[-1, above_input_tokens, up_to_tokens, {{ most_tokens() }}]) as threshold
    from offers
),

sizes as (
    select
        shelf,
        threshold as above_tokens,
        lead(threshold) over (partition by shelf order by threshold) as up_to_tokens
    from thresholds
),

cells as (
    select
        offers.shelf,
        offers.book,
        offers.tier,
        offers.tier_name,
        times.valid_from,
        times.valid_until,
        windows.daily_from,
        windows.daily_until,
        sizes.above_tokens,
        sizes.up_to_tokens,
        offers.price_source,
        offers.price_ref,
        offers.prices,
        offers.discount,
        offers.cost_basis,
        offers.remoteness,
        offers.source_rank,
        offers.entry_rank,
        offers.priority
    from offers
    inner join times
        on
            offers.shelf = times.shelf
            and offers.valid_from <= times.valid_from
            and offers.valid_until >= times.valid_until
    inner join windows
        on
            offers.shelf = windows.shelf
            and offers.daily_from <= windows.daily_from
            and offers.daily_until >= windows.daily_until
    inner join sizes
        on
            offers.shelf = sizes.shelf
            and offers.above_input_tokens <= sizes.above_tokens
            and offers.up_to_tokens >= sizes.up_to_tokens
),

-- The first of the team's entries decides: it says a price, or what comes off the next source's.
agreed as (
    select distinct on ({{ cell | join(", ") }}) *
    from cells
    where price_source = 'team'
    order by {{ cell | join(", ") }}, remoteness, entry_rank
),

priced as (
    select * from cells
    where price_source <> 'team'
    union all
    select * from agreed
    where prices <> '{}'
),

winners as (
    select distinct on ({{ cell | join(", ") }}) *
    from priced
    order by {{ cell | join(", ") }}, remoteness, source_rank, entry_rank, priority, valid_from
),

discounted as (
    select
        {{ columns_of("winners", cell) }},
        winners.book,
        winners.tier,
        winners.tier_name,
        winners.price_source,
        winners.price_ref,
        winners.prices,
        case when agreed.prices = '{}' then agreed.discount else winners.discount end as discount,
        case when agreed.prices = '{}' then agreed.cost_basis else winners.cost_basis end as cost_basis
    from winners
    left join agreed
        on
            {{ same("winners", "agreed", cell) }}
),

joined_in_time as (
    {{ joined_pieces("discounted", "valid_from", "valid_until", content + day + size) }}
),

joined_in_the_day as (
    {{ joined_pieces("joined_in_time", "daily_from", "daily_until", content + time + size) }}
),

joined as (
    {{ joined_pieces("joined_in_the_day", "above_tokens", "up_to_tokens", content + time + day) }}
),

pieces as (
    select
        joined.*,
        joined.daily_from = '00:00' and joined.daily_until = '24:00' as is_all_day,
        (
            select jsonb_object_agg(prices.usage_type, trim_scale(prices.price::numeric))
            from jsonb_each_text(joined.prices - '{input,cached_input,cache_write,output,request}'::text[])
                as prices (usage_type, price)
        ) as other_prices_usd
    from joined
),

final as (
    select
        models.instance,
        models.project_id,
        models.model,
        pieces.tier as service_tier,
        nullif(pieces.tier_name, '') as pricing_tier_name,
        pieces.valid_from,
        pieces.valid_until,
        case when not pieces.is_all_day then pieces.daily_from end as daily_from,
        case when not pieces.is_all_day then pieces.daily_until end as daily_until,
        pieces.above_tokens as above_input_tokens,
        nullif(pieces.up_to_tokens, {{ most_tokens() }}) as up_to_input_tokens,
        pieces.price_source,
        pieces.price_ref,
        trim_scale((pieces.prices ->> 'input')::numeric) as input_price_usd,
        trim_scale((pieces.prices ->> 'cached_input')::numeric) as cached_input_price_usd,
        trim_scale((pieces.prices ->> 'cache_write')::numeric) as cache_write_price_usd,
        trim_scale((pieces.prices ->> 'output')::numeric) as output_price_usd,
        trim_scale((pieces.prices ->> 'request')::numeric) as request_price_usd,
        pieces.other_prices_usd,
        trim_scale(pieces.discount) as discount,
        pieces.cost_basis
    from models
    inner join pieces on models.book = pieces.book
)

select * from final
