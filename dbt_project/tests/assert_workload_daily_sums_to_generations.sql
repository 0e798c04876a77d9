{{ differing_days("fct_workload_daily") }}
