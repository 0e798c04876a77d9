{# Set is_new_user and days_since_first_use of every day of the users whose first day may have moved. The first day
   is one look-up in the index a user, so it costs the same however long the history is. #}
{% macro date_first_use() -%}
    update {{ this }} as activity
    set
        is_new_user = activity.usage_date = first_days.first_date,
        days_since_first_use = activity.usage_date - first_days.first_date
    from (
        select users.instance, users.project_id, users.user_id, first_day.usage_date as first_date
        from (
            select instance, project_id, user_id from {{ ref("int_users_touched") }}
            union
            select instance, project_id, 'unknown' as user_id from {{ ref("stg_langfuse__projects") }}
        ) as users
        cross join lateral (
            select usage_date from {{ this }} as days
            where
                days.instance = users.instance and days.project_id = users.project_id and days.user_id = users.user_id
            order by usage_date
            limit 1
        ) as first_day
    ) as first_days
    where
        activity.instance = first_days.instance
        and activity.project_id = first_days.project_id
        and activity.user_id = first_days.user_id
        and (activity.is_new_user, activity.days_since_first_use)
        is distinct from (
            activity.usage_date = first_days.first_date, activity.usage_date - first_days.first_date
        )
{%- endmacro %}
