{{ config(indexes=[{"columns": ["instance", "project_id", "session_id"], "unique": true}]) }}

with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

superseded_observations as (
    select * from {{ ref("stg_langfuse__superseded_observations") }}
),

pending as (
    select array(select batch_id from {{ source("operations", "pending_loads") }}) as batch_ids
),

-- Every session that an observation of a touched trace names, or named before it was replaced: whichever of them the
-- trace belonged to until now is among them. A full refresh makes all sessions, so it needs no list.
sessions as (
    select
        instance,
        project_id,
        session_id
    from observations
    where session_id is not null {{ "and false" if flags.FULL_REFRESH }}
    union
    select
        instance,
        project_id,
        session_id
    from superseded_observations
    where
        session_id is not null {{ "and false" if flags.FULL_REFRESH }}
        and superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

-- Ids of raw are compared byte by byte, those of marts by the database's order: an index serves its own order alone.
ordered as (
    select
        instance collate "default" as instance,
        project_id collate "default" as project_id,
        session_id collate "default" as session_id
    from sessions
)

select * from ordered
