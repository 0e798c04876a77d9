with

days as (
    select * from {{ ref("int_days_touched") }}
),

generations as (
    select
        usage_date,
        count(latency_ms) + count(time_to_first_token_ms) + count(output_tokens_per_second) as calls
    from {{ ref("fct_generations") }}
    where is_counted and usage_date in (select days.reporting_day from days)
    group by usage_date
),

buckets as (
    select
        usage_date,
        sum(calls) as calls,
        sum(mod(buckets, 999999999999)) as calls_in_buckets
    from {{ ref("fct_latency_buckets_daily") }}
    where usage_date in (select days.reporting_day from days)
    group by usage_date
),

differing as (
    select
        coalesce(generations.usage_date, buckets.usage_date) as usage_date,
        buckets.calls - generations.calls as calls_too_many
    from generations
    full outer join buckets on generations.usage_date = buckets.usage_date
    where
        coalesce(generations.calls, 0) <> coalesce(buckets.calls, 0)
        or buckets.calls <> buckets.calls_in_buckets
)

select * from differing
