{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}]) }}

with

generations as (
    select * from {{ ref("int_generations_measured") }}
),

judged as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        observation_id,
        null::text as kept_trace_id,
        null::text as kept_observation_id,

        -- text
        'synthetic_root' as rule,
        'It stands for its trace, and was made by the server.' as explanation,

        -- numerics
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        other_input_tokens,
        output_tokens,
        total_tokens,
        other_usage,
        0::numeric as recorded_cost_correction_usd,

        -- booleans
        false as is_counted,
        false as is_unbilled
    from generations
    where is_synthetic_root
)

select * from judged
