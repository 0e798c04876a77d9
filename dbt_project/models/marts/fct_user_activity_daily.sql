{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook=["{{ carry_days_over('usage_date') }}", "{{ date_first_use() }}"],
    indexes=[{"columns": ["usage_date"]}, {"columns": ["instance", "project_id", "user_id", "usage_date"]}],
) }}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

days as (
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        team,
        coalesce(user_id, 'unknown') as user_id,
        count(distinct trace_id) as traces,
        count(distinct session_id) as sessions,
        {{ sum_of_calls() }}
    from generations
    group by
        usage_date, instance, project_id, project_name, environment, department, team, coalesce(user_id, 'unknown')
),

-- A user's first day may lie in history: where these days do not hold it, date_first_use sets both once the rows stand.
final as (
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        team,
        user_id,
        calls,
        errors,
        traces,
        sessions,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        cost_usd,
        usage_date = min(usage_date) over users as is_new_user,
        usage_date - min(usage_date) over users as days_since_first_use
    from days
    window users as (partition by instance, project_id, user_id)
)

select * from final
