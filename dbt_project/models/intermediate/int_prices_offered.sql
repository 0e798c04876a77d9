{{ config(indexes=[{"columns": ["shelf"]}]) }}

with

matched as (
    select * from {{ ref("int_prices_matched") }}
    where is_current
),

listed as (
    select * from {{ ref("int_prices_listed") }}
    where is_current
),

entries as (
    select
        book,
        listing_key,
        min(source_rank) as source_rank,
        min(entry_rank) as entry_rank
    from matched
    group by book, listing_key
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
offered as (
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
)

select * from offered
