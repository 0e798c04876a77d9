{{ differing_days("fct_prompt_performance_daily") }}
