{{ differing_days("fct_model_comparison_daily") }}
