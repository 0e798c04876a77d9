-- Langfuse counts every observation as a call; what names a model is one here too, unless it moved over the border of
-- what raw holds and is counted on the day that is carried over.
with

reconciliation as (
    select * from {{ ref("fct_reconciliation_daily") }}
    where utc_date in (select days.utc_date from {{ ref("int_utc_days_touched") }} as days)
),

carried as (
    select * from {{ ref("int_projects_carried") }}
),

missing as (
    select reconciliation.*
    from reconciliation
    left join carried
        on
            reconciliation.instance = carried.carried_instance
            and reconciliation.project_id = carried.carried_project_id
    where
        reconciliation.model <> 'unknown'
        and reconciliation.other_observation_calls <> 0
        and carried.carried_before_at is null
)

select * from missing
