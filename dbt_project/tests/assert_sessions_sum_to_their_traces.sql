{% set key = ["instance", "project_id", "session_id"] %}

with

touched as (
    select * from {{ ref("int_sessions_touched") }}
),

-- Both are read by the index of the session, so that checking a build costs what is new in it.
sessions as not materialized (
    select * from {{ ref("fct_sessions") }}
),

traces as not materialized (
    select * from {{ ref("fct_traces") }}
),

of_traces as (
    select
        {{ columns_of("touched", key) }},
        count(*) as traces,
        sum(traces.generations) as calls,
        sum(traces.total_tokens) as total_tokens,
        sum(traces.cost_usd) as cost_usd
    from touched
    cross join {{ rows_by_key("traces", "touched", key) }} as traces
    group by {{ columns_of("touched", key) }}
),

of_sessions as (
    select sessions.*
    from touched
    cross join {{ rows_by_key("sessions", "touched", key) }} as sessions
),

differing as (
    select
        {{ columns_of("touched", key) }},
        of_sessions.cost_usd - of_traces.cost_usd as cost_usd_too_much
    from touched
    left join of_traces
        on
            {{ same("touched", "of_traces", key) }}
    left join of_sessions
        on
            {{ same("touched", "of_sessions", key) }}
    where
        (of_traces.traces, of_traces.calls, of_traces.total_tokens, of_traces.cost_usd)
        is distinct from (of_sessions.traces, of_sessions.calls, of_sessions.total_tokens, of_sessions.cost_usd)
)

select * from differing
