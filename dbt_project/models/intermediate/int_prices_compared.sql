-- What decides a call's price and name, in the form in which publishing keeps it for each slot: operations.slot_prices.
with

prices as (
    select * from {{ ref("int_prices_dated") }}
),

names as (
    select * from {{ ref("int_models_canonical") }}
),

compared as (
    select
        instance,
        project_id,
        model,
        coalesce(valid_from, '-infinity') as valid_from,
        coalesce(valid_until, 'infinity') as valid_until,
        to_jsonb(prices) as price
    from prices
    union all
    select
        null as instance,
        null as project_id,
        model,
        '-infinity'::timestamptz as valid_from,
        'infinity'::timestamptz as valid_until,
        jsonb_build_object('canonical_model', canonical_model, 'provider', provider) as price
    from names
)

select * from compared
