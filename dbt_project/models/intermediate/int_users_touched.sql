{{ config(indexes=[{"columns": ["instance", "project_id", "user_id"], "unique": true}]) }}

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

-- Every user that an observation of a touched trace names, or named before it was replaced: whichever of them a call
-- belonged to until now is among them, and their first day may have moved.
users as (
    select
        instance,
        project_id,
        user_id
    from observations
    where user_id is not null
    union
    select
        instance,
        project_id,
        user_id
    from superseded_observations
    where
        user_id is not null
        and superseded_by_batch_id = any((select batch_ids from pending)::bigint[])
),

-- Ids of raw are compared byte by byte, those of marts by the database's order: an index serves its own order alone.
ordered as (
    select
        instance collate "default" as instance,
        project_id collate "default" as project_id,
        user_id collate "default" as user_id
    from users
)

select * from ordered
