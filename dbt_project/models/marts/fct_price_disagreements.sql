-- Made whole in each build; it reads the price lists, and of the calls only the last day, from the index.

with

matched as (
    select * from {{ ref("int_prices_matched") }}
    where is_current
),

listed as (
    select * from {{ ref("int_prices_listed") }}
    where is_current
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

-- The clock must not decide what a build makes.
today as (
    select max(usage_date) + interval '12 hours' as noon
    from {{ ref("fct_generations") }}
),

-- What each list asks of an ordinary call at noon UTC of the last day: standard tier, the lowest tier of input.
present as (
    select distinct on (matched.instance, matched.project_id, matched.model, matched.source_rank)
        matched.instance,
        matched.project_id,
        matched.model,
        matched.source_rank,
        listed.price_source,
        listed.price_ref,
        listed.valid_from,
        listed.prices
    from matched
    inner join listed on matched.listing_key = listed.listing_key
    inner join today
        on
            listed.valid_from <= today.noon at time zone 'UTC'
            and listed.valid_until > today.noon at time zone 'UTC'
    where
        coalesce(listed.service_tier, 'standard') = 'standard'
        and listed.pricing_tier_name = ''
        and listed.daily_from <= '12:00'
        and listed.daily_until > '12:00'
        and listed.above_input_tokens < 0
        and listed.prices <> '{}'
    order by
        matched.instance asc, matched.project_id asc, matched.model asc, matched.source_rank asc,
        matched.entry_rank asc, listed.priority desc
),

prices as (
    select
        present.*,
        usage_types.usage_type,
        (present.prices ->> usage_types.usage_type)::numeric as price_usd
    from present
    cross join (
        values ('input'), ('cached_input'), ('cache_write'), ('output')
    ) as usage_types (usage_type)
),

final as (
    select
        trusted.instance,
        trusted.project_id,
        projects.project_name,
        trusted.model,
        trusted.usage_type,
        trusted.price_source as trusted_source,
        trusted.price_ref as trusted_price_ref,
        other.price_source as other_source,
        other.price_ref as other_price_ref,
        nullif(greatest(trusted.valid_from, other.valid_from), '-infinity') as valid_from,
        trim_scale(trusted.price_usd * 1000000) as trusted_price_usd_per_million,
        trim_scale(other.price_usd * 1000000) as other_price_usd_per_million,
        trim_scale(round(other.price_usd / nullif(trusted.price_usd, 0), 6)) as price_ratio
    from prices as trusted
    inner join prices as other
        on
            {{ same("trusted", "other", ["instance", "project_id", "model", "usage_type"]) }}
            and trusted.source_rank < other.source_rank
            and trusted.price_usd <> other.price_usd
    inner join projects
        on
            trusted.instance = projects.instance
            and trusted.project_id = projects.project_id
)

select * from final
