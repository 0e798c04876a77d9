with

bills as (
    select * from {{ ref("fct_bill_reconciliation") }}
),

differing as (
    select *
    from bills
    where
        difference_usd <> billed_cost_usd - cost_usd
        or difference_usd <> time_zone_difference_usd + unmatched_difference_usd + untraced_difference_usd
        + volume_difference_usd + cache_difference_usd + tier_difference_usd + price_difference_usd
        + rounding_difference_usd
)

select * from differing
