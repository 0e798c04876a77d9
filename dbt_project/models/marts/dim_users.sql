{% set key = ["instance", "project_id", "user_id"] %}

{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_keys(ref('int_users_touched'), ['instance', 'project_id', 'user_id']) }}",
    indexes=[{"columns": ["instance", "project_id", "user_id"]}],
) }}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

activity as not materialized (
    select * from {{ ref("fct_user_activity_daily") }}
    where user_id <> 'unknown'
),

touched as (
    select * from {{ ref("int_users_touched") }}
),

users as (
    {% if is_incremental() %}
    select {{ key | join(", ") }} from touched
    {% else %}
    select distinct {{ key | join(", ") }} from activity
    {% endif %}
),

-- noqa: disable=ST05
-- User by user, so that the index gives each one's days in their order and nothing has to be sorted.
final as (
    select
        {{ columns_of("users", key) }},
        history.first_used_date,
        history.last_used_date,
        history.active_days,
        history.longest_streak_days,
        history.latest_streak_days,
        history.calls_to_date,
        history.tokens_to_date,
        history.cost_to_date_usd
    from users
    cross join lateral (
        with

        -- A user may have several rows a day, for several departments.
        days as (
            select
                activity.usage_date,
                sum(activity.calls) as calls,
                sum(activity.total_tokens) as total_tokens,
                sum(activity.cost_usd) as cost_usd
            from activity
            where
                {{ same("users", "activity", key) }}
            group by activity.usage_date
        ),

        -- Days in a row have the same distance from their number.
        numbered as (
            select
                *,
                usage_date - row_number() over (order by usage_date)::integer as streak_of
            from days
        ),

        streaks as (
            select
                min(usage_date) as first_used_date,
                max(usage_date) as last_used_date,
                count(*) as active_days,
                sum(calls) as calls,
                sum(total_tokens) as total_tokens,
                sum(cost_usd) as cost_usd
            from numbered
            group by streak_of
        )

        select
            min(first_used_date) as first_used_date,
            max(last_used_date) as last_used_date,
            sum(active_days)::bigint as active_days,
            max(active_days) as longest_streak_days,
            (array_agg(active_days order by last_used_date desc))[1] as latest_streak_days,
            sum(calls)::bigint as calls_to_date,
            sum(total_tokens)::bigint as tokens_to_date,
            sum(cost_usd) as cost_to_date_usd
        from streaks
        having count(*) > 0
    ) as history
)

select * from final
