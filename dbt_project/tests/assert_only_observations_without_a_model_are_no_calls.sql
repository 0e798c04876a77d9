-- Langfuse counts every observation as a call; what names a model is one here too.
with

reconciliation as (
    select * from {{ ref("fct_reconciliation_daily") }}
    where utc_date in (select days.utc_date from {{ ref("int_utc_days_touched") }} as days)
),

missing as (
    select *
    from reconciliation
    where model <> 'unknown' and other_observation_calls <> 0
)

select * from missing
