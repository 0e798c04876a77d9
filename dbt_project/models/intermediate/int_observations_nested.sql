with recursive

-- Read more than once, and not copied for it.
observations as not materialized (
    select * from {{ ref("int_observations_placed") }}
),

-- What every step of the walk reads is copied, once and narrow.
children as materialized (
    select
        instance,
        project_id,
        trace_id,
        observation_id,
        parent_observation_id
    from observations
    where parent_observation_id is not null and not is_synthetic_root
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
        children.instance,
        children.project_id,
        children.trace_id,
        children.observation_id,
        children.parent_observation_id,
        nested.depth + 1 as depth
    from nested
    inner join children
        on
            nested.instance = children.instance
            and nested.project_id = children.project_id
            and nested.trace_id = children.trace_id
            and nested.observation_id = children.parent_observation_id
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
