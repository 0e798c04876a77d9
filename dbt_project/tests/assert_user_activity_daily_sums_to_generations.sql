{{ differing_days("fct_user_activity_daily") }}
