{{ config(indexes=[{"columns": ["utc_date"]}]) }}

{# What Langfuse counts otherwise than the marts do: each a number of calls, of tokens, and US dollars. #}
{% set parts = ["synthetic_root", "vanished", "kept_version", "merging_version"] %}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

days as (
    select * from {{ ref("int_utc_days_touched") }}
),

observations as not materialized (
    select * from {{ ref("stg_langfuse__observations") }}
),

versions as (
    select * from {{ ref("int_versions_superseded") }}
),

{% if flags.FULL_REFRESH %}

observations_of_days as (
    select
        *,
        (started_at at time zone 'UTC')::date as utc_date
    from observations
),

{% else %}

observations_of_days as (
    select
        days.utc_date,
        observations_of_day.*
    from days
    cross join {{ rows_of_months("observations", "started_at") }} as observations_of_day
),

{% endif %}

-- Each row counts for one part, and most for none: they stand in the marts just as Langfuse counts them.
current_rows as (
    select
        utc_date,
        instance,
        project_id,
        model,
        usage_details,
        total_cost_usd,
        batch_id,
        case
            when observation_id = 't-' || trace_id
                then case when vanished_at is null then 'synthetic_root' else 'gone' end
            when vanished_at is not null then 'vanished'
            else 'observation'
        end as part
    from observations_of_days
),

other_rows as (
    select
        utc_date,
        instance,
        project_id,
        model,
        usage_details,
        total_cost_usd,
        superseded_by_batch_id as batch_id,
        case
            when is_vanished then 'gone' when is_kept_by_server then 'kept_version' else 'merging_version'
        end as part
    from versions
),

rows_of_server as (
    select * from current_rows
    union all
    select * from other_rows
),

counted as (
    select
        utc_date,
        instance,
        project_id,
        coalesce(model, 'unknown') as model,
        count(*) filter (where part in ('observation', 'vanished')) as observations,
        {% for part in parts %}
        count(*) filter (where part = '{{ part }}') as {{ part }}_calls,
        coalesce(
            sum((usage_details ->> 'total')::numeric) filter (where part = '{{ part }}'), 0
        )::bigint as {{ part }}_tokens,
        coalesce(sum(total_cost_usd) filter (where part = '{{ part }}'), 0) as {{ part }}_cost_usd,
        {% endfor %}
        max(batch_id) as last_batch_id
    from rows_of_server
    group by utc_date, instance, project_id, coalesce(model, 'unknown')
)

select * from counted
