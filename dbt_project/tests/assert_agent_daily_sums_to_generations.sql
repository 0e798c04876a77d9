{{ differing_days("fct_agent_daily") }}
