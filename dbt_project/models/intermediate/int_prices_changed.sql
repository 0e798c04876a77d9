-- Empty where a slot is made whole, for then every day is touched.
with

compared as (
    select * from {{ ref("int_prices_compared") }}
),

slots as (
    select * from {{ source("operations", "slots") }}
),

kept as (
    select * from {{ source("operations", "slot_prices") }}
),

slot_prices as (
    select
        kept.instance,
        kept.project_id,
        kept.model,
        kept.valid_from,
        kept.valid_until,
        kept.price
    from kept
    inner join slots on kept.slot = slots.slot
    where slots.schema_name = 'marts_next'
),

differing as (
    (
        select * from compared
        except
        select * from slot_prices
    )
    union all
    (
        select * from slot_prices
        except
        select * from compared
    )
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
