{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}]) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

measured as (
    select * from {{ ref("int_generations_measured") }}
),

judged as (
    select * from {{ ref("int_generations_judged") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

priced as (
    select
        {{ columns_of("measured", key) }},
        measured.model,
        models.canonical_model,
        models.provider,
        coalesce(judged.is_counted, true) as is_counted,
        case when not judged.is_counted then judged.rule end as not_counted_reason,
        coalesce(judged.input_tokens, measured.input_tokens) as input_tokens,
        coalesce(judged.cached_input_tokens, measured.cached_input_tokens) as cached_input_tokens,
        coalesce(judged.cache_write_tokens, measured.cache_write_tokens) as cache_write_tokens,
        coalesce(
            judged.input_tokens + judged.cached_input_tokens + judged.cache_write_tokens + judged.other_input_tokens,
            measured.input_tokens + measured.cached_input_tokens + measured.cache_write_tokens
            + measured.other_input_tokens
        ) as total_input_tokens,
        coalesce(judged.output_tokens, measured.output_tokens) as output_tokens,
        coalesce(judged.total_tokens, measured.total_tokens) as total_tokens,
        case when judged.rule is null then measured.other_usage else judged.other_usage end as other_usage,
        measured.recorded_cost_usd,
        null::numeric as list_cost_usd,
        coalesce(measured.recorded_cost_usd, 0) as cost_usd,
        case when measured.recorded_cost_usd is null then 'none' else 'recorded' end as cost_basis,
        null::text as price_source,
        measured.recorded_input_cost_usd as input_cost_usd,
        measured.recorded_cached_input_cost_usd as cached_input_cost_usd,
        measured.recorded_cache_write_cost_usd as cache_write_cost_usd,
        measured.recorded_output_cost_usd as output_cost_usd,
        measured.recorded_other_costs_usd as other_costs_usd,
        -- What one uncached input token of the same call cost, else the price that Langfuse shows for its model.
        coalesce(
            case
                when measured.recorded_cached_input_cost_usd > 0 and measured.cached_input_tokens > 0
                    then trim_scale(round(
                        measured.cached_input_tokens * unit.input_price_usd - measured.recorded_cached_input_cost_usd,
                        12
                    ))
            end, 0
        )
        + coalesce(
            case
                when measured.recorded_cache_write_cost_usd > 0 and measured.cache_write_tokens > 0
                    then trim_scale(round(
                        measured.cache_write_tokens * unit.input_price_usd - measured.recorded_cache_write_cost_usd, 12
                    ))
            end, 0
        ) as cached_savings_usd
    from measured
    left join judged
        on
            {{ same("measured", "judged", key) }}
    left join models on measured.model = models.model
    cross join lateral (
        select
            case
                when measured.recorded_input_cost_usd > 0 and measured.input_tokens > 0
                    then measured.recorded_input_cost_usd / measured.input_tokens
                else measured.input_price_usd
            end as input_price_usd
    ) as unit
)

select * from priced
