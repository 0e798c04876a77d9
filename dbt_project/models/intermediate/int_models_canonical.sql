{{ config(materialized="view") }}

with

model_names as (
    select * from {{ ref("stg_prices__model_names") }}
),

models as (
    select
        model,
        canonical_model,
        provider,
        served_by,
        price_ref
    from model_names
)

select * from models
