{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

{% set root_first =
    "order by is_synthetic_root desc, is_root desc, updated_at desc nulls last, started_at, observation_id" %}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

-- What a trace is called and whose it is: its synthetic root's word, which is the trace itself as the server knows it,
-- else its root's, else that of the newest observation that says it. When it was is told by its observations alone.
-- Whose money it spent comes from the root alone.
traces as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        (array_agg(user_id {{ root_first }}) filter (where user_id is not null))[1] as user_id,
        (array_agg(session_id {{ root_first }}) filter (where session_id is not null))[1] as session_id,

        -- text
        (
            array_agg(coalesce(trace_name, observation_name) {{ root_first }})
            filter (where trace_name is not null or (is_root and observation_name is not null))
        )[1] as trace_name,
        (array_agg(environment {{ root_first }}) filter (where environment is not null))[1] as environment,
        (array_agg(release {{ root_first }}) filter (where release is not null))[1] as release,
        {% for dimension in ["department", "team", "agent", "feature", "dimension_1", "dimension_2"] %}
        (
            array_agg({{ dimension }} {{ root_first }}) filter (where is_root and {{ dimension }} is not null)
        )[1] as {{ dimension }},
        {% endfor %}

        -- timestamps
        coalesce(min(usage_date) filter (where not is_synthetic_root), min(usage_date)) as trace_date,
        coalesce(min(started_at) filter (where not is_synthetic_root), min(started_at)) as started_at,
        coalesce(
            max(greatest(started_at, ended_at)) filter (where not is_synthetic_root),
            max(greatest(started_at, ended_at))
        ) as ended_at
    from observations
    group by instance, project_id, trace_id
)

select * from traces
