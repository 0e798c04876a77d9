{# Set is_new_user and days_since_first_use of the users in this build: on touched days, and on all days of a user whose
   first day moved. Both first days are look-ups in the index, once for each user (hence `offset 0`: else the planner
   makes them for each row), so it costs the same however long the history is. #}
{% macro date_first_use() -%}
    {% set days = ref("int_days_touched").render() -%}
    update {{ this }} as activity
    set
        is_new_user = activity.usage_date = users.first_date,
        days_since_first_use = activity.usage_date - users.first_date
    from (
        select
            touched.*,
            first_day.usage_date as first_date,
            case
                when untouched_day.first_date_known <> first_day.usage_date then first_day.usage_date
                else (select min(days.reporting_day) from {{ days }} as days)
            end as changed_from
        from (
            select instance, project_id, user_id from {{ ref("int_users_touched") }}
            union
            select instance, project_id, 'unknown' as user_id from {{ ref("stg_langfuse__projects") }}
        ) as touched
        cross join lateral (
            select known.usage_date from {{ this }} as known
            where
                known.instance = touched.instance and known.project_id = touched.project_id
                and known.user_id = touched.user_id
            order by known.usage_date
            limit 1
        ) as first_day
        left join lateral (
            select known.usage_date - known.days_since_first_use as first_date_known from {{ this }} as known
            where
                known.instance = touched.instance and known.project_id = touched.project_id
                and known.user_id = touched.user_id
                and known.usage_date not in (select days.reporting_day from {{ days }} as days)
            order by known.usage_date desc
            limit 1
        ) as untouched_day on true
        offset 0
    ) as users
    where
        activity.instance = users.instance
        and activity.project_id = users.project_id
        and activity.user_id = users.user_id
        and activity.usage_date >= users.changed_from
        and (activity.is_new_user, activity.days_since_first_use)
        is distinct from (activity.usage_date = users.first_date, activity.usage_date - users.first_date)
{%- endmacro %}
