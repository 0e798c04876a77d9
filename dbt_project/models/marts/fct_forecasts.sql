{{ config(materialized="view") }}

with

source as (
    select * from {{ source("forecasts", "forecasts") }}
),

final as (
    select
        series_id,
        metric,
        level,
        key,
        origin_date,
        forecast_date,
        expected,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        model,
        parameters,
        is_fallback,
        fallback_reason,
        trained_at
    from source
)

select * from final
