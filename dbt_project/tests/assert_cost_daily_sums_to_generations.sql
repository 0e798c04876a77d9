{{ differing_days("fct_cost_daily", tokens="tokens") }}
