{% set key = ["instance", "project_id", "session_id"] %}

{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_keys(ref('int_sessions_touched'), ['instance', 'project_id', 'session_id']) }}",
    indexes=[{"columns": ["session_date"]}, {"columns": ["instance", "project_id", "session_id"]}],
) }}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

-- Of the mart, which holds the days that raw no longer has: a session is made of all its traces, whenever they were.
traces as not materialized (
    select * from {{ ref("fct_traces") }}
),

touched as (
    select * from {{ ref("int_sessions_touched") }}
),

traces_of_sessions as (
    {% if is_incremental() %}
    select traces.*
    from touched
    cross join {{ rows_by_key("traces", "touched", key) }} as traces
    {% else %}
    select * from traces
    where session_id is not null
    {% endif %}
),

-- A session is charged to whom its first trace is charged to.
sessions as (
    select
        instance,
        project_id,
        session_id,
        (array_agg(project_name order by trace_date desc, started_at desc, trace_id desc))[1] as project_name,
        (array_agg(environment order by started_at, trace_id))[1] as environment,
        (array_agg(department order by started_at, trace_id))[1] as department,
        (array_agg(team order by started_at, trace_id))[1] as team,
        (array_agg(agent order by started_at, trace_id))[1] as agent,
        (array_agg(trace_date order by started_at, trace_id))[1] as session_date,
        min(started_at) as started_at,
        max(coalesce(ended_at, started_at)) as ended_at,
        count(*) as traces,
        count(distinct user_id) as users,
        sum(observations)::bigint as observations,
        sum(generations)::bigint as calls,
        sum(errors)::bigint as errors,
        count(*) filter (where is_error) as failed_traces,
        {{ sum_of_tokens() }},
        sum(cost_usd) as cost_usd,
        count(quality) as judged_traces,
        trim_scale(round(avg(quality), 6)) as quality,
        count(is_successful) as decided_traces,
        count(*) filter (where is_successful) as successful_traces
    from traces_of_sessions
    group by instance, project_id, session_id
),

final as (
    select
        -- ids
        instance,
        project_id,
        project_name,
        session_id,

        -- when
        session_date,
        started_at,
        ended_at,
        trim_scale(round(extract(epoch from ended_at - started_at) * 1000, 3)) as duration_ms,

        -- whose
        environment,
        department,
        team,
        agent,
        users,

        -- what
        traces,
        observations,
        calls,
        errors,
        failed_traces,
        failed_traces > 0 as is_error,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        cost_usd,
        judged_traces,
        quality,
        {{ grade("quality") }} as grade,
        decided_traces,
        successful_traces
    from sessions
)

select * from final
