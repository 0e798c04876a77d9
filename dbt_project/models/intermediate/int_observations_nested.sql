with recursive

observations as (
    select * from {{ ref("int_observations_placed") }}
),

-- A parent that never arrived, or is synthetic, leaves its children on top. Each observation has one parent, so no walk
-- from the top can run in a circle.
tops as (
    select
        observations.instance,
        observations.project_id,
        observations.trace_id,
        observations.observation_id,
        observations.parent_observation_id,
        1 as depth
    from observations
    left join observations as parents
        on
            observations.instance = parents.instance
            and observations.project_id = parents.project_id
            and observations.trace_id = parents.trace_id
            and observations.parent_observation_id = parents.observation_id
    where not observations.is_synthetic_root and (parents.observation_id is null or parents.is_synthetic_root)
),

nested as (
    select * from tops
    union all
    select
        observations.instance,
        observations.project_id,
        observations.trace_id,
        observations.observation_id,
        observations.parent_observation_id,
        nested.depth + 1 as depth
    from nested
    inner join observations
        on
            nested.instance = observations.instance
            and nested.project_id = observations.project_id
            and nested.trace_id = observations.trace_id
            and nested.observation_id = observations.parent_observation_id
),

levels as (
    select * from nested
    union all
    select
        instance,
        project_id,
        trace_id,
        observation_id,
        parent_observation_id,
        0 as depth
    from observations
    where is_synthetic_root
)

select * from levels
