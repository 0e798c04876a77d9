{{ config(indexes=[{"columns": ["utc_date"], "unique": true}]) }}

with

days as (
    select * from {{ ref("int_days_touched") }}
),

server_days as (
    select * from {{ ref("stg_langfuse__server_days") }}
),

-- A reporting day lies in two UTC days, and seldom in three.
touched as (
    select (days.starts_at at time zone 'UTC')::date + shift as utc_date
    from days
    cross join generate_series(0, 2) as shift
    where {{ utc_day_starts_at("((days.starts_at at time zone 'UTC')::date + shift)") }} < days.ends_at
    union
    select utc_date
    from server_days
    {% if flags.FULL_REFRESH %}
    where batch_id is not null
    {% else %}
    where batch_id in (select pending.batch_id from {{ source("operations", "pending_loads") }} as pending)
    {% endif %}
),

bounded as (
    select
        utc_date,
        {{ utc_day_starts_at("utc_date") }} as starts_at,
        {{ utc_day_starts_at("(utc_date + 1)") }} as ends_at,
        date_trunc('month', utc_date)::date as first_month,
        date_trunc('month', utc_date)::date as last_month
    from touched
)

select * from bounded
