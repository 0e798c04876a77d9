{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

days as (
    select * from {{ ref("int_utc_days_touched") }}
),

superseded as (
    select * from {{ ref("stg_langfuse__superseded_observations") }}
),

observations as (
    select * from {{ ref("stg_langfuse__observations") }}
),

versions as (
    select
        superseded.*,
        days.utc_date
    from days
    inner join superseded
        on
            days.starts_at <= superseded.started_at
            and days.ends_at > superseded.started_at
),

with_current as (
    select
        versions.*,
        current_version.started_at as current_started_at,
        coalesce(current_version.vanished_at is not null, false) as is_vanished
    from versions
    {% if flags.FULL_REFRESH %}
    left join observations as current_version
        on
            {{ same("versions", "current_version", key) }}
    {% else %}
    left join {{ rows_by_key("observations", "versions", key) }} as current_version on true
    {% endif %}
),

-- Langfuse keeps the version of each start that an observation had; those of one start it merges in the background.
ranked as (
    select
        *,
        coalesce(current_started_at <> started_at, true)
        and row_number() over (
            partition by {{ key | join(", ") }}, started_at
            order by updated_at desc nulls last, superseded_at desc, superseded_by_batch_id desc, usage_details::text
        ) = 1 as is_kept_by_server
    from with_current
)

select * from ranked
