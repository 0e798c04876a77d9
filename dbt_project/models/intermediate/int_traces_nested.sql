{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

observations as (
    select * from {{ ref("int_observations_nested") }}
),

traces as (
    select
        instance,
        project_id,
        trace_id,
        max(depth) as depth
    from observations
    group by instance, project_id, trace_id
)

select * from traces
