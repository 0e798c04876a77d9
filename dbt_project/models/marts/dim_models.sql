with

days as (
    select * from {{ ref("fct_usage_daily") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

prices as (
    select * from {{ ref("int_prices_dated") }}
),

-- Of days that raw no longer holds, the newest says what the model was taken for.
used as (
    select
        instance,
        project_id,
        model,
        (array_agg(canonical_model order by usage_date desc))[1] as canonical_model,
        (array_agg(provider order by usage_date desc))[1] as provider,
        min(usage_date) as first_used_date,
        max(usage_date) as last_used_date
    from days
    group by instance, project_id, model
),

-- What a small call at noon of the last day of use cost by list, for one price is all that a row can hold.
priced as (
    select distinct on (used.instance, used.project_id, used.model)
        used.instance,
        used.project_id,
        used.model,
        prices.input_price_usd,
        prices.output_price_usd,
        prices.price_source,
        prices.price_ref
    from used
    inner join prices
        on
            used.instance = prices.instance
            and used.project_id = prices.project_id
            and used.model = prices.model
    where
        prices.service_tier = 'standard'
        and prices.pricing_tier_name is null
        and (used.last_used_date + time '12:00') at time zone 'UTC' >= prices.valid_from
        and (used.last_used_date + time '12:00') at time zone 'UTC' < prices.valid_until
        and coalesce(prices.daily_from, '00:00') <= '12:00'
        and coalesce(prices.daily_until, '24:00') > '12:00'
    order by used.instance, used.project_id, used.model, prices.above_input_tokens
),

final as (
    select
        used.instance,
        used.project_id,
        used.model,
        coalesce(models.canonical_model, used.canonical_model) as canonical_model,
        coalesce(models.provider, used.provider) as provider,
        models.served_by,
        used.first_used_date,
        used.last_used_date,
        trim_scale(priced.input_price_usd * 1000000) as input_price_usd_per_million,
        trim_scale(priced.output_price_usd * 1000000) as output_price_usd_per_million,
        priced.price_source,
        priced.price_ref,
        priced.price_source in ('team', 'langfuse_project') as is_priced_by_team
    from used
    left join models on used.model = models.model
    left join priced
        on
            used.instance = priced.instance
            and used.project_id = priced.project_id
            and used.model = priced.model
)

select * from final
