{{ differing_days("fct_priced_coverage_daily") }}
