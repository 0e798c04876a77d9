{{ differing_days("fct_usage_daily") }}
