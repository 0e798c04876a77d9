with

days as (
    select * from {{ ref("int_days_touched") }}
),

generations as (
    select
        usage_date,
        not_counted_reason as duplicate_rule,
        count(*) as calls
    from {{ ref("fct_generations") }}
    where not is_counted and usage_date in (select days.reporting_day from days) and not {{ is_carried("usage_date") }}
    group by usage_date, not_counted_reason
),

duplicates as (
    select
        usage_date,
        duplicate_rule,
        count(*) as calls
    from {{ ref("fct_duplicate_calls") }}
    where not is_counted and usage_date in (select days.reporting_day from days) and not {{ is_carried("usage_date") }}
    group by usage_date, duplicate_rule
),

differing as (
    select
        coalesce(generations.usage_date, duplicates.usage_date) as usage_date,
        coalesce(generations.duplicate_rule, duplicates.duplicate_rule) as duplicate_rule,
        generations.calls as calls_not_counted,
        duplicates.calls as calls_explained
    from generations
    full outer join duplicates
        on
            generations.usage_date = duplicates.usage_date
            and generations.duplicate_rule = duplicates.duplicate_rule
    where generations.calls is distinct from duplicates.calls
)

select * from differing
