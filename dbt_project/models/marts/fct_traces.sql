{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('trace_date') }}",
    post_hook="{{ carry_days_over('trace_date') }}",
    indexes=[
        {"columns": ["trace_date"]},
        {"columns": ["instance", "project_id", "trace_id"]},
        {"columns": ["instance", "project_id", "session_id"]},
    ],
) }}

{% set key = ["instance", "project_id", "trace_id"] %}

with

attributed as (
    select * from {{ ref("int_traces_attributed") }}
),

measured as (
    select * from {{ ref("int_traces_measured") }}
),

scored as (
    select * from {{ ref("int_traces_scored") }}
),

nested as (
    select * from {{ ref("int_traces_nested") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

days as (
    select * from {{ ref("int_days_touched") }}
),

-- A trace that began on a day that is carried over stays as it was, whatever comes late for it.
traces as (
    select *
    from attributed
    where
        trace_date in (select days.reporting_day from days)
        and not {{ is_carried("trace_date") }}
        and not {{ stands_on_a_carried_day("attributed", key, "trace_date") }}
),

final as (
    select
        -- ids
        traces.instance,
        traces.project_id,
        coalesce(projects.project_name, traces.project_id) as project_name,
        traces.trace_id,

        -- when
        traces.trace_date,
        traces.started_at,
        traces.ended_at,

        -- whose
        traces.trace_name,
        traces.environment,
        traces.department,
        traces.team,
        traces.agent,
        traces.user_id,
        traces.session_id,
        traces.release,
        measured.tags,

        -- what
        measured.observations,
        measured.generations,
        measured.model_count,
        nested.depth,
        measured.errors,
        measured.generation_errors,
        measured.is_error,
        round(extract(epoch from traces.ended_at - traces.started_at) * 1000, 3) as latency_ms,
        case
            when measured.first_token_at > traces.started_at
                then round(extract(epoch from measured.first_token_at - traces.started_at) * 1000, 3)
        end as time_to_first_token_ms,
        measured.input_tokens,
        measured.cached_input_tokens,
        measured.cache_write_tokens,
        measured.total_input_tokens,
        measured.output_tokens,
        measured.total_tokens,
        measured.cost_usd,
        scored.quality,
        {{ grade("scored.quality") }} as grade,
        scored.is_successful and not measured.is_error as is_successful
    from traces
    inner join measured
        on
            traces.instance = measured.instance
            and traces.project_id = measured.project_id
            and traces.trace_id = measured.trace_id
    inner join nested
        on
            traces.instance = nested.instance
            and traces.project_id = nested.project_id
            and traces.trace_id = nested.trace_id
    left join scored
        on
            traces.instance = scored.instance
            and traces.project_id = scored.project_id
            and traces.trace_id = scored.trace_id
    left join projects
        on
            traces.instance = projects.instance
            and traces.project_id = projects.project_id
)

select * from final
