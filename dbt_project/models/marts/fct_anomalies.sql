{{ config(materialized="view") }}

with

source as (
    select * from {{ source("forecasts", "anomalies") }}
),

final as (
    select
        series_id,
        metric,
        level,
        key,
        usage_date,
        value,
        expected,
        lower_95,
        upper_95,
        score,
        is_anomaly,
        severity,
        scored_at
    from source
)

select * from final
