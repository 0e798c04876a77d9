-- Read once a build: what is dropped from raw while a build goes on does not change which days it carries over. The
-- names differ from those of the rows that they are compared with, so that a condition needs no alias.
with

source as (
    select * from {{ source("operations", "raw_kept_from") }}
),

carried as (
    select
        instance as carried_instance,
        project_id as carried_project_id,
        first_date as carried_before_date,
        first_date_starts_at as carried_before_at
    from source
)

select * from carried
