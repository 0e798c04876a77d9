{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

scores as (
    select * from {{ ref("int_scores_normalised") }}
),

-- Several scores of one name, from several judges or on several steps, have one voice together.
voices as (
    select
        instance,
        project_id,
        trace_id,
        score_name,
        max(weight) as weight,
        avg(quality) as quality,
        bool_and(is_success) as is_success
    from scores
    where trace_id is not null and quality is not null and vanished_at is null
    group by instance, project_id, trace_id, score_name
),

traces as (
    select
        instance,
        project_id,
        trace_id,
        trim_scale(round(sum(weight * quality) / nullif(sum(weight), 0), 6)) as quality,
        bool_and(is_success) as is_successful
    from voices
    group by instance, project_id, trace_id
)

select * from traces
