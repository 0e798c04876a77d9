{{ config(materialized="view") }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

traces as (
    select * from {{ ref("int_traces_attributed") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

-- What an observation says itself goes before what its trace says.
attributed as (
    select
        -- ids
        observations.instance,
        observations.project_id,
        observations.trace_id,
        observations.observation_id,
        observations.parent_observation_id,
        coalesce(observations.user_id, traces.user_id) as user_id,
        coalesce(observations.session_id, traces.session_id) as session_id,
        observations.batch_id,

        -- text
        coalesce(projects.project_name, observations.project_id) as project_name,
        projects.host,
        coalesce(observations.environment, traces.environment) as environment,
        coalesce(observations.department, traces.department) as department,
        coalesce(observations.team, traces.team) as team,
        coalesce(observations.agent, traces.agent) as agent,
        coalesce(observations.feature, traces.feature) as feature,
        coalesce(observations.dimension_1, traces.dimension_1) as dimension_1,
        coalesce(observations.dimension_2, traces.dimension_2) as dimension_2,
        traces.trace_name,
        coalesce(observations.release, traces.release) as release,
        observations.version,
        observations.tags,
        observations.observation_type,
        observations.observation_name,
        observations.level,
        observations.status_message,
        observations.model,
        observations.service_tier,
        observations.prompt_name,
        observations.prompt_version,

        -- numerics
        observations.usage_details,
        observations.cost_details,
        observations.total_cost_usd,
        observations.latency_ms,
        observations.time_to_first_token_ms,

        -- booleans
        observations.is_error,
        observations.is_root,
        observations.is_synthetic_root,
        observations.is_generation,
        observations.is_day_touched,
        observations.vanished_at is not null as is_vanished,

        -- timestamps
        observations.usage_date,
        observations.usage_hour,
        observations.started_at,
        observations.ended_at,
        observations.completion_started_at,
        traces.trace_date
    from observations
    inner join traces
        on
            observations.instance = traces.instance
            and observations.project_id = traces.project_id
            and observations.trace_id = traces.trace_id
    left join projects
        on
            observations.instance = projects.instance
            and observations.project_id = projects.project_id
)

select * from attributed
