{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}]) }}

with

observations as (
    select * from {{ ref("int_observations_touched") }}
),

days as (
    select * from {{ ref("int_days_touched") }}
),

rooted as (
    select
        observations.*,
        parent_observation_id is null
        or is_marked_root
        or parent_observation_id = 't-' || trace_id as is_root,
        -- A server in write mode `dual` makes one for each trace of the older way, and the v3 API's traces become such.
        observation_id = 't-' || trace_id as is_synthetic_root,
        model is not null
        or usage_details <> '{}'
        or cost_details <> '{}'
        or coalesce(total_cost_usd, 0) <> 0 as is_generation
    from observations
),

placed as (
    select
        -- ids
        rooted.instance,
        rooted.project_id,
        rooted.trace_id,
        rooted.observation_id,
        rooted.parent_observation_id,
        rooted.user_id,
        rooted.session_id,
        rooted.model_id,
        case
            when rooted.is_generation
                -- LiteLLM's callback makes the observation's id of the time and the answer's id.
                then coalesce(
                    {{ evidence("response_id") }}, substring(rooted.observation_id from '^time-[-0-9]+_(.+)$')
                )
        end as response_id,
        rooted.batch_id,

        -- text
        rooted.observation_type,
        rooted.observation_name,
        rooted.trace_name,
        rooted.level,
        rooted.status_message,
        rooted.version,
        rooted.release,
        rooted.environment,
        rooted.model,
        rooted.pricing_tier_name,
        case when rooted.is_generation then {{ service_tier() }} end as service_tier,
        case when rooted.is_generation then {{ evidence("instrumentation") }} end as instrumentation,
        rooted.prompt_name,
        rooted.prompt_version,
        rooted.tags,
        {{ placed("department") }} as department,
        {{ placed("team") }} as team,
        {{ placed("agent") }} as agent,
        {{ placed("feature") }} as feature,
        {{ placed("dimension_1") }} as dimension_1,
        {{ placed("dimension_2") }} as dimension_2,

        -- numerics
        rooted.input_price_usd,
        rooted.usage_details,
        rooted.cost_details,
        rooted.total_cost_usd,
        case
            when rooted.latency_seconds > 0 then rooted.latency_seconds * 1000
            when rooted.latency_seconds is null and rooted.ended_at > rooted.started_at
                then extract(epoch from rooted.ended_at - rooted.started_at) * 1000
        end as latency_ms,
        case
            when rooted.time_to_first_token_seconds > 0 then rooted.time_to_first_token_seconds * 1000
            when rooted.time_to_first_token_seconds is null and rooted.completion_started_at > rooted.started_at
                then extract(epoch from rooted.completion_started_at - rooted.started_at) * 1000
        end as time_to_first_token_ms,

        -- booleans
        coalesce(rooted.level = 'ERROR', false) as is_error,
        rooted.is_root,
        rooted.is_synthetic_root,
        rooted.is_generation,
        case when rooted.is_generation then lower({{ evidence("replayed") }}) in ('true', '1', 'yes', 'hit', 'cached') end
            as is_replayed,
        days.reporting_day is not null and not rooted.is_day_carried as is_day_touched,

        -- timestamps
        rooted.usage_date,
        {{ local_hour("rooted.started_at") }} as usage_hour,
        rooted.started_at,
        rooted.ended_at,
        rooted.completion_started_at,
        rooted.updated_at,
        rooted.vanished_at
    from rooted
    left join days on rooted.usage_date = days.reporting_day
)

select * from placed
