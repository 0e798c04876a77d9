{{ config(indexes=[{"columns": ["reporting_day"], "unique": true}]) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}

-- noqa: disable=ST03
-- A full refresh does not use every import.
with

-- Those that are read more than once are read by an index of its own each time.
observations as not materialized (
    select * from {{ ref("stg_langfuse__observations") }}
),

superseded_observations as (
    select * from {{ ref("stg_langfuse__superseded_observations") }}
),

scores as not materialized (
    select * from {{ ref("stg_langfuse__scores") }}
),

superseded_scores as (
    select * from {{ ref("stg_langfuse__superseded_scores") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

trace_months as (
    select * from {{ ref("stg_langfuse__trace_months") }}
),

carried as (
    select * from {{ ref("int_projects_carried") }}
),

prices_changed as (
    select * from {{ ref("int_prices_changed") }}
),

{% if flags.FULL_REFRESH %}

moments as (
    select
        instance,
        project_id,
        started_at as moment
    from observations
    union all
    select
        instance,
        project_id,
        scored_at as moment
    from scores
    union all
    -- Langfuse counts a version on its own day still, where nothing else may be left.
    select
        instance,
        project_id,
        started_at as moment
    from superseded_observations
),

{% else %}

-- As an array and as bounds, so that the planner takes the index on batch_id however little it knows of pending_loads;
-- that of observations tells ranges alone.
pending as (
    select
        array_agg(batch_id) as batch_ids,
        min(batch_id) as first_batch_id,
        max(batch_id) as last_batch_id
    from {{ source("operations", "pending_loads") }}
),

changed_observations as (
    select
        instance,
        project_id,
        trace_id,
        started_at as moment
    from observations
    where
        batch_id >= (select first_batch_id from pending)
        and batch_id <= (select last_batch_id from pending)
        and batch_id in (select unnest(batch_ids) from pending)
    union all
    select
        instance,
        project_id,
        trace_id,
        started_at as moment
    from superseded_observations
    where superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

changed_scores as (
    select
        instance,
        project_id,
        trace_id,
        scored_at as moment
    from scores
    where batch_id = any((select batch_ids from pending)::bigint[])
    union all
    select
        instance,
        project_id,
        trace_id,
        scored_at as moment
    from superseded_scores
    where superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

changed_traces as (
    select
        instance,
        project_id,
        trace_id
    from changed_observations
    union
    select
        instance,
        project_id,
        trace_id
    from changed_scores
    where trace_id is not null
),

-- A renamed project changes every day that it was used on.
changed_projects as (
    select
        instance,
        project_id
    from projects
    where batch_id = any((select batch_ids from pending)::bigint[])
),

months_of_traces as (
    select months.*
    from changed_traces
    cross join {{ rows_by_key("trace_months", "changed_traces", trace_key) }} as months
),

moments as (
    select
        instance,
        project_id,
        moment
    from changed_observations
    union all
    select
        instance,
        project_id,
        moment
    from changed_scores
    union all
    select
        rows_of_trace.instance,
        rows_of_trace.project_id,
        rows_of_trace.started_at as moment
    from months_of_traces
    cross join {{ rows_by_key("observations", "months_of_traces", trace_key + ["start_month"]) }} as rows_of_trace
    union all
    select
        scores_of_trace.instance,
        scores_of_trace.project_id,
        scores_of_trace.scored_at as moment
    from changed_traces
    cross join {{ rows_by_key("scores", "changed_traces", trace_key) }} as scores_of_trace
    union all
    select
        observations.instance,
        observations.project_id,
        observations.started_at as moment
    from changed_projects
    inner join observations
        on
            changed_projects.instance = observations.instance
            and changed_projects.project_id = observations.project_id
    union all
    select
        scores.instance,
        scores.project_id,
        scores.scored_at as moment
    from changed_projects
    inner join scores
        on
            changed_projects.instance = scores.instance
            and changed_projects.project_id = scores.project_id
),

{% endif %}

{% set used = slot_mart("fct_usage_daily") %}

-- The days on which a model was used whose price or name changed, as far as this slot has them; newer ones come with
-- their loads.
repriced as (
    {% if used and not flags.FULL_REFRESH %}
    select
        used.usage_date as reporting_day,
        min(carried.carried_before_at) filter (where used.usage_date = carried.carried_before_date) as border_at
    from {{ used }} as used
    inner join prices_changed
        on
            used.model = prices_changed.model
            and (used.instance = prices_changed.instance or prices_changed.instance is null)
            and (used.project_id = prices_changed.project_id or prices_changed.project_id is null)
            and used.usage_date >= {{ local_day("prices_changed.valid_from") }}
            and used.usage_date <= {{ local_day("prices_changed.valid_until") }}
    left join carried
        on
            used.instance = carried.carried_instance
            and used.project_id = carried.carried_project_id
    where carried.carried_before_date is null or used.usage_date >= carried.carried_before_date
    group by 1
    {% else %}
    select
        null::date as reporting_day,
        null::timestamptz as border_at
    where false
    {% endif %}
),

-- What lies before a project's border is carried over, so it touches nothing.
arrived as (
    select
        {{ reporting_day("moments.moment") }} as reporting_day,
        min(carried.carried_before_at) filter (
            where {{ reporting_day("moments.moment") }} = carried.carried_before_date
        ) as border_at
    from moments
    left join carried
        on
            moments.instance = carried.carried_instance
            and moments.project_id = carried.carried_project_id
    where carried.carried_before_at is null or moments.moment >= carried.carried_before_at
    group by 1
),

touched as (
    select * from arrived
    union all
    select * from repriced
),

days as (
    select
        reporting_day,
        min(border_at) as border_at
    from touched
    group by 1
),

bounded as (
    select
        reporting_day,
        least({{ day_starts_at("reporting_day") }}, border_at) as starts_at,
        {{ day_starts_at("(reporting_day + 1)") }} as ends_at
    from days
),

-- Months as raw.observations is cut into, in UTC.
cut as (
    select
        *,
        date_trunc('month', starts_at at time zone 'UTC')::date as first_month,
        date_trunc('month', (ends_at - interval '1 microsecond') at time zone 'UTC')::date as last_month
    from bounded
)

select * from cut
