{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

judged as (
    select * from {{ ref("int_generations_judged") }}
),

priced as not materialized (
    select * from {{ ref("int_generations_priced") }}
),

generations as not materialized (
    select * from {{ ref("fct_generations") }}
),

final as (
    select
        -- ids
        judged.instance,
        judged.project_id,
        generations.project_name,
        judged.trace_id,
        judged.observation_id,

        -- when
        judged.usage_date,

        -- whose
        generations.environment,
        generations.department,
        generations.team,
        generations.agent,

        -- what
        generations.model,
        judged.rule as duplicate_rule,
        judged.explanation,
        judged.is_counted,
        judged.is_unbilled,
        judged.kept_trace_id,
        judged.kept_observation_id,

        -- how much
        judged.tokens_taken_away,
        judged.recorded_cost_taken_away_usd,
        case
            when not judged.is_counted then priced.cost_usd
            when judged.is_unbilled or priced.cost_basis in ('recorded', 'none')
                then judged.recorded_cost_taken_away_usd
            else trim_scale(round(
                coalesce(priced.input_cost_usd * judged.inside_input_tokens / nullif(judged.input_tokens, 0), 0)
                + coalesce(priced.output_cost_usd * judged.inside_output_tokens / nullif(judged.output_tokens, 0), 0),
                12
            ))
        end as cost_taken_away_usd,

        -- origin
        generations.langfuse_url,
        generations.batch_id
    from judged
    cross join {{ rows_by_key("priced", "judged", key) }} as priced
    cross join {{ rows_by_key("generations", "judged", key) }} as generations
    -- A call that stands on a carried day is judged no more.
    where judged.is_day_touched and judged.usage_date = generations.usage_date
)

select * from final
