{{ config(materialized="view") }}

with

source as (
    select * from {{ source("forecasts", "accuracy") }}
),

final as (
    select
        series_id,
        metric,
        level,
        key,
        horizon_days,
        model,
        mase,
        crps,
        coverage_80,
        coverage_95,
        bias,
        origins,
        scored_at
    from source
)

select * from final
