{# The planner takes keys of four columns for rarer than they are: it would compare each row with each. #}
{{ config(
    pre_hook="set local enable_nestloop = off",
    indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}],
) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

generations as (
    select * from {{ ref("int_generations_measured") }}
),

corrected as (
    select * from {{ ref("int_generations_corrected") }}
),

repeated as (
    select * from {{ ref("int_generations_repeated") }}
),

duplicated as (
    select * from {{ ref("int_generations_duplicated") }}
),

-- Read twice, and not copied for it.
seen as not materialized (
    select
        *,
        {{ is_from_cache() }} as is_from_cache,
        -- An answer that had begun was paid, however it ended.
        is_error
        and completion_started_at is null
        and sum_of_tokens = input_tokens + cached_input_tokens + cache_write_tokens + other_input_tokens
        and (total_tokens > 0 or recorded_cost_usd > 0) as is_refused
    from generations
),

found as (
    select {{ key | join(", ") }}
    from seen
    where
        is_synthetic_root
        or ({{ rule_is_on("replayed_cache_hit") }} and is_from_cache)
        or ({{ rule_is_on("failed_call_billed") }} and is_refused)
    union
    select {{ key | join(", ") }} from corrected
    union
    select {{ key | join(", ") }} from repeated
    union
    select {{ key | join(", ") }} from duplicated
),

-- What says that a call does not count goes before what says how it counts.
ruled as (
    select
        seen.*,
        duplicated.kept_trace_id,
        coalesce(duplicated.kept_observation_id, repeated.kept_observation_id) as kept_observation_id,
        case
            when seen.is_synthetic_root then 'synthetic_root'
            when {{ rule_is_on("replayed_cache_hit") }} and seen.is_from_cache then 'replayed_cache_hit'
            when repeated.observation_id is not null then 'repeated_by_parent'
            when duplicated.observation_id is not null then duplicated.rule
            when {{ rule_is_on("failed_call_billed") }} and seen.is_refused then 'failed_call_billed'
            else 'cached_inside_input'
        end as rule,
        repeated.explanation as why_repeated,
        duplicated.explanation as why_duplicated,
        corrected.explanation as why_corrected,
        corrected.inside_input_tokens,
        corrected.inside_output_tokens,
        coalesce(corrected.input_tokens, seen.input_tokens) as counted_input_tokens,
        coalesce(corrected.output_tokens, seen.output_tokens) as counted_output_tokens,
        coalesce(corrected.total_tokens, seen.total_tokens) as counted_total_tokens,
        case
            when corrected.observation_id is null then seen.other_usage else corrected.other_usage
        end as counted_other_usage,
        coalesce(corrected.recorded_cost_correction_usd, 0) as correction_usd
    from found
    inner join seen
        on
            {{ same("found", "seen", key) }}
    left join corrected
        on
            {{ same("found", "corrected", key) }}
    left join repeated
        on
            {{ same("found", "repeated", key) }}
    left join duplicated
        on
            {{ same("found", "duplicated", key) }}
),

judged as (
    select
        *,
        rule in ('failed_call_billed', 'cached_inside_input') as is_counted,
        rule = 'failed_call_billed' as is_unbilled,
        case
            when rule = 'failed_call_billed' then -coalesce(recorded_cost_usd, 0) else correction_usd
        end as recorded_cost_correction_usd
    from ruled
),

final as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        observation_id,
        case
            when rule = 'repeated_by_parent' then trace_id
            when rule in ('recorded_twice', 'replayed_cache_hit') then kept_trace_id
        end as kept_trace_id,
        case
            when rule in ('repeated_by_parent', 'recorded_twice', 'replayed_cache_hit') then kept_observation_id
        end as kept_observation_id,

        -- text
        rule,
        concat_ws(
            ' ',
            case rule
                when 'synthetic_root' then 'It stands for its trace, and was made by the server.'
                when 'replayed_cache_hit' then coalesce(why_duplicated, 'A cache answered: nothing was paid.')
                when 'repeated_by_parent' then why_repeated
                when 'recorded_twice' then why_duplicated
                when 'failed_call_billed'
                    then format(
                        'It failed before an answer began: %s tokens and %s US dollars were recorded, nothing was paid.',
                        total_tokens, coalesce(trim_scale(recorded_cost_usd), 0)
                    )
            end,
            why_corrected
        ) as explanation,

        -- numerics
        counted_input_tokens as input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        other_input_tokens,
        counted_output_tokens as output_tokens,
        counted_total_tokens as total_tokens,
        counted_other_usage as other_usage,
        recorded_cost_correction_usd,
        coalesce(inside_input_tokens, 0) as inside_input_tokens,
        coalesce(inside_output_tokens, 0) as inside_output_tokens,
        case when is_counted then total_tokens - counted_total_tokens else total_tokens end as tokens_taken_away,
        case
            when is_counted then -recorded_cost_correction_usd else coalesce(recorded_cost_usd, 0)
        end as recorded_cost_taken_away_usd,

        -- booleans
        is_counted,
        is_unbilled,
        is_day_touched,

        -- timestamps
        usage_date
    from judged
)

select * from final
