{{ config(materialized="view") }}

with

source as (
    select * from {{ source("operations", "validation_results") }}
),

final as (
    select
        validation_id,
        run_id,
        build_id,
        stage,
        suite,
        expectation,
        column_name,
        severity,
        is_success,
        observed_value,
        expected,
        unexpected_count,
        unexpected_percent,
        checked_at
    from source
)

select * from final
