{{ config(indexes=[{"columns": ["instance", "project_id", "model"]}]) }}

{% set time, day, size = ["valid_from", "valid_until"], ["daily_from", "daily_until"], ["above_tokens", "up_to_tokens"] %}
{% set cell = ["shelf"] + time + day + size %}
{% set content = ["shelf", "book", "tier", "tier_name", "price_source", "price_ref", "prices", "discount", "cost_basis"] %}

with

matched as (
    select * from {{ ref("int_prices_matched") }}
    where is_current
),

listed as (
    select * from {{ ref("int_prices_listed") }}
    where is_current
),

-- Models that the same entries price in the same order share a book, so that it is worked out once.
models as (
    select
        instance,
        project_id,
        model,
        md5(array_agg(listing_key order by source_rank, entry_rank)::text) as book
    from matched
    group by instance, project_id, model
),

entries as (
    select distinct on (models.book, matched.listing_key)
        models.book,
        matched.listing_key,
        matched.source_rank,
        matched.entry_rank
    from models
    inner join matched
        on
            models.instance = matched.instance
            and models.project_id = matched.project_id
            and models.model = matched.model
    order by models.book, matched.listing_key, matched.source_rank, matched.entry_rank
),

offers as (
    select
        entries.book,
        entries.source_rank,
        entries.entry_rank,
        listed.*,
        coalesce(listed.up_to_input_tokens, {{ most_tokens() }}) as up_to_tokens
    from entries
    inner join listed on entries.listing_key = listed.listing_key
),

tiers as (
    select
        book,
        'standard' as service_tier,
        '' as pricing_tier_name
    from offers
    union
    select
        book,
        case when pricing_tier_name = '' then coalesce(service_tier, 'standard') else 'standard' end as service_tier,
        pricing_tier_name
    from offers
),

-- What names the tier goes before what is for any; a project's own definition and own hardware are for every tier.
candidates as (
    select
        concat_ws('/', tiers.book, tiers.service_tier, tiers.pricing_tier_name) as shelf,
        tiers.service_tier as tier,
        tiers.pricing_tier_name as tier_name,
        offers.*,
        case
            when offers.pricing_tier_name <> '' then 0
            when tiers.pricing_tier_name <> '' then 1
            when offers.service_tier = tiers.service_tier then 0
            when tiers.service_tier = 'standard' then 0
            when offers.price_source = 'langfuse_project' or offers.cost_basis = 'self_hosted' then 0
            else 1
        end as remoteness
    from tiers
    inner join offers
        on
            tiers.book = offers.book
            and offers.pricing_tier_name in (tiers.pricing_tier_name, '')
            and coalesce(offers.service_tier, 'standard') in (tiers.service_tier, 'standard')
),

-- Time, day and size are cut wherever an offer begins or ends.
moments as (
    select distinct
        shelf,
        unnest(array[valid_from, valid_until]) as moment
    from candidates
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
    from candidates
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
    from candidates
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
        candidates.shelf,
        candidates.book,
        candidates.tier,
        candidates.tier_name,
        times.valid_from,
        times.valid_until,
        windows.daily_from,
        windows.daily_until,
        sizes.above_tokens,
        sizes.up_to_tokens,
        candidates.price_source,
        candidates.price_ref,
        candidates.prices,
        candidates.discount,
        candidates.cost_basis,
        candidates.remoteness,
        candidates.source_rank,
        candidates.entry_rank,
        candidates.priority
    from candidates
    inner join times
        on
            candidates.shelf = times.shelf
            and candidates.valid_from <= times.valid_from
            and candidates.valid_until >= times.valid_until
    inner join windows
        on
            candidates.shelf = windows.shelf
            and candidates.daily_from <= windows.daily_from
            and candidates.daily_until >= windows.daily_until
    inner join sizes
        on
            candidates.shelf = sizes.shelf
            and candidates.above_input_tokens <= sizes.above_tokens
            and candidates.up_to_tokens >= sizes.up_to_tokens
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
