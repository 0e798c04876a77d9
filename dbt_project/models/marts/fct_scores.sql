{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('score_date') }}",
    post_hook="{{ carry_days_over('score_date') }}",
    indexes=[{"columns": ["score_date"]}, {"columns": ["instance", "project_id", "score_id"]}],
) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}
{% set key = ["instance", "project_id", "score_id"] %}

with

scores as (
    select * from {{ ref("int_scores_normalised") }}
),

-- Of the mart, for raw may no longer hold the trace.
traces as not materialized (
    select * from {{ ref("fct_traces") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

final as (
    select
        -- ids
        scores.instance,
        scores.project_id,
        coalesce(projects.project_name, scores.project_id) as project_name,
        scores.score_id,
        scores.trace_id,
        scores.observation_id,
        coalesce(scores.session_id, traces.session_id) as session_id,

        -- when
        scores.score_date,
        scores.scored_at,

        -- whose
        coalesce(traces.environment, scores.environment, 'default') as environment,
        coalesce(traces.department, 'unattributed') as department,
        coalesce(traces.team, 'unattributed') as team,
        coalesce(traces.agent, 'unattributed') as agent,

        -- what
        scores.score_name,
        scores.source,
        scores.data_type,
        scores.numeric_value,
        scores.string_value,
        round(scores.quality, 6) as quality,
        scores.is_success as has_reached_target,
        scores.vanished_at is not null as is_vanished
    from scores
    {% if is_incremental() %}
    left join {{ rows_by_key("traces", "scores", trace_key) }} as traces on true
    {% else %}
    left join traces
        on
            scores.instance = traces.instance
            and scores.project_id = traces.project_id
            and scores.trace_id = traces.trace_id
    {% endif %}
    left join projects
        on
            scores.instance = projects.instance
            and scores.project_id = projects.project_id
    where
        scores.is_day_touched
        and not {{ stands_on_a_carried_day("scores", key, "score_date") }}
)

select * from final
