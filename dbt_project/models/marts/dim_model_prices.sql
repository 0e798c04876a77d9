{{ config(indexes=[{"columns": ["instance", "project_id", "model"]}]) }}

{% set price_key = [
    "instance", "project_id", "model", "price_source", "price_ref", "service_tier", "pricing_tier_name", "valid_from",
    "daily_from", "above_input_tokens", "known_from",
] %}

-- Made whole in each build; it reads the price book and its lists alone.

with

pieces as (
    select * from {{ ref("int_prices_dated") }}
),

matched as (
    select * from {{ ref("int_prices_matched") }}
),

listed as (
    select * from {{ ref("int_prices_listed") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

versions as (
    select
        matched.instance,
        matched.project_id,
        matched.model,
        listed.*,
        {{ name_of_list("matched", "listed") }} as list_name,
        coalesce(matched.known_from, listed.known_from) as version_from,
        coalesce(matched.known_to, listed.known_to) as version_to,
        matched.is_current and listed.is_current as is_current_version
    from matched
    inner join listed on matched.listing_key = listed.listing_key
),

-- A piece is known since the newest row came of those that it is made of.
ages as (
    select
        versions.list_name,
        pieces.valid_from,
        max(versions.version_from) as known_from
    from (
        select distinct
            {{ name_of_list("pieces", "pieces") }} as list_name,
            pieces.valid_from,
            pieces.valid_until
        from pieces
    ) as pieces
    inner join versions
        on
            pieces.list_name = versions.list_name
            and versions.is_current_version
            and pieces.valid_until > versions.valid_from
            and pieces.valid_from < versions.valid_until
    group by versions.list_name, pieces.valid_from
),

known as (
    select
        pieces.*,
        ages.known_from
    from pieces
    left join ages
        on
            {{ name_of_list("pieces", "pieces") }} = ages.list_name
            and pieces.valid_from = ages.valid_from
),

present as (
    select
        instance,
        project_id,
        model,
        service_tier,
        pricing_tier_name,
        valid_from,
        valid_until,
        daily_from,
        daily_until,
        above_input_tokens,
        up_to_input_tokens,
        price_source,
        price_ref,
        cost_basis,
        discount,
        input_price_usd,
        cached_input_price_usd,
        cache_write_price_usd,
        output_price_usd,
        request_price_usd,
        other_prices_usd,
        known_from,
        null::timestamptz as known_to
    from known
),

-- What we believed before, row for row of the list that said it.
past as (
    select distinct on ({{ price_key | join(", ") | replace("known_from", "version_from") }})
        instance,
        project_id,
        model,
        coalesce(service_tier, 'standard') as service_tier,
        nullif(pricing_tier_name, '') as pricing_tier_name,
        valid_from,
        valid_until,
        case when daily_from > '00:00' or daily_until < '24:00' then daily_from end as daily_from,
        case when daily_from > '00:00' or daily_until < '24:00' then daily_until end as daily_until,
        above_input_tokens,
        up_to_input_tokens,
        price_source,
        price_ref,
        cost_basis,
        discount,
        (prices ->> 'input')::numeric as input_price_usd,
        (prices ->> 'cached_input')::numeric as cached_input_price_usd,
        (prices ->> 'cache_write')::numeric as cache_write_price_usd,
        (prices ->> 'output')::numeric as output_price_usd,
        (prices ->> 'request')::numeric as request_price_usd,
        nullif(prices - '{input,cached_input,cache_write,output,request}'::text[], '{}') as other_prices_usd,
        version_from as known_from,
        version_to as known_to
    from versions
    where version_to is not null
    order by {{ price_key | join(", ") | replace("known_from", "version_from") }}, version_to, priority
),

all_versions as (
    select * from present
    union all
    select * from past
),

final as (
    select
        -- whose
        prices.instance,
        prices.project_id,
        projects.project_name,
        prices.model,

        -- when and for what
        nullif(prices.valid_from, '-infinity') as valid_from,
        nullif(prices.valid_until, 'infinity') as valid_until,
        to_char(prices.daily_from, 'HH24:MI') as daily_from,
        to_char(prices.daily_until, 'HH24:MI') as daily_until,
        prices.service_tier,
        prices.pricing_tier_name,
        greatest(prices.above_input_tokens, 0) as above_input_tokens,
        prices.up_to_input_tokens,

        -- whence
        prices.price_source,
        prices.price_ref,
        prices.cost_basis,
        prices.known_to is null as is_current,
        prices.known_from,
        prices.known_to,

        -- how much
        prices.discount,
        {%- for usage_type in ["input", "cached_input", "cache_write", "output"] %}
        trim_scale(prices.{{ usage_type }}_price_usd * 1000000) as {{ usage_type }}_price_usd_per_million,
        {%- endfor %}
        prices.request_price_usd,
        prices.other_prices_usd
    from all_versions as prices
    inner join projects
        on
            prices.instance = projects.instance
            and prices.project_id = projects.project_id
)

select * from final
