-- Empty where a slot is made whole, for then every day is touched.
with

compared as (
    select * from {{ ref("int_prices_compared") }}
),

slot_prices as (
    select
        kept.instance,
        kept.project_id,
        kept.model,
        kept.valid_from,
        kept.valid_until,
        kept.price
    from {{ source("operations", "slot_prices") }} as kept
    inner join {{ source("operations", "slots") }} as slots on kept.slot = slots.slot
    where slots.schema_name = 'marts_next'
),

differing as (
    (select * from compared except select * from slot_prices)
    union all
    (select * from slot_prices except select * from compared)
),

changed as (
    select distinct
        instance,
        project_id,
        model,
        valid_from,
        valid_until
    from differing
    where not {{ flags.FULL_REFRESH | lower }}
)

select * from changed
