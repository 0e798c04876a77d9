{# The planner takes keys of four columns for rarer than they are: it would compare each row with each. #}
{{ config(
    pre_hook="set local enable_nestloop = off",
    indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}],
) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}
{% set key = trace_key + ["observation_id"] %}

with recursive

-- Those that are read twice are not copied for it.
observations as not materialized (
    select * from {{ ref("int_observations_placed") }}
),

generations as not materialized (
    select * from {{ ref("int_generations_measured") }}
),

corrected as (
    select * from {{ ref("int_generations_corrected") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

-- Calls with something below them: few, for most calls are leaves.
parents as materialized (
    select {{ columns_of("generations", key + ["parent_observation_id"]) }}
    from generations
    where
        {{ rule_is_on("repeated_by_parent") }}
        and not generations.is_synthetic_root
        and (generations.total_tokens > 0 or generations.recorded_cost_usd > 0)
        and exists (
            select
            from observations as children
            where
                {{ same("generations", "children", trace_key) }}
                and generations.observation_id = children.parent_observation_id
                and generations.observation_id <> children.observation_id
        )
),

-- All of their traces, with the tokens of each call as it counts.
relatives as materialized (
    select
        {{ columns_of("observations", key + ["parent_observation_id", "started_at"]) }},
        coalesce(generations.total_tokens > 0 or generations.recorded_cost_usd > 0, false)
        and not observations.is_synthetic_root as is_used,
        coalesce(corrected.total_tokens, generations.total_tokens) as total_tokens,
        generations.cached_input_tokens,
        generations.cache_write_tokens,
        coalesce(corrected.total_tokens, generations.total_tokens)
        - coalesce(corrected.input_tokens, generations.input_tokens)
        - generations.cached_input_tokens
        - generations.cache_write_tokens
        - generations.other_input_tokens as answer_tokens,
        coalesce(generations.recorded_cost_usd, 0) as cost_usd,
        {{ model_compared("models.canonical_model", "generations.model") }} as model_compared
    from (select distinct {{ trace_key | join(", ") }} from parents) as traces
    inner join observations
        on
            {{ same("traces", "observations", trace_key) }}
    left join generations
        on
            {{ same("observations", "generations", key) }}
    left join corrected
        on
            {{ same("observations", "corrected", key) }}
    left join models on generations.model = models.model
),

-- Down to the nearest that have usage of their own. No walk runs in a circle: it began at a call with usage.
below as (
    select
        {{ columns_of("parents", trace_key) }},
        parents.observation_id as top_id,
        parents.parent_observation_id as above_id,
        relatives.observation_id,
        relatives.is_used
    from parents
    inner join relatives
        on
            {{ same("parents", "relatives", trace_key) }}
            and parents.observation_id = relatives.parent_observation_id
    union all
    select
        {{ columns_of("below", trace_key) }},
        below.top_id,
        below.above_id,
        relatives.observation_id,
        relatives.is_used
    from below
    inner join relatives
        on
            {{ same("below", "relatives", trace_key) }}
            and below.observation_id = relatives.parent_observation_id
    where not below.is_used
),

sums as (
    select
        {{ columns_of("below", trace_key) }},
        below.top_id as observation_id,
        count(*) as calls,
        (array_agg(relatives.observation_id order by relatives.started_at, relatives.observation_id))[1]
            as first_observation_id,
        array_agg(relatives.model_compared) as models,
        sum(relatives.total_tokens)::bigint as total_tokens,
        sum(relatives.cached_input_tokens)::bigint as cached_input_tokens,
        sum(relatives.cache_write_tokens)::bigint as cache_write_tokens,
        sum(relatives.answer_tokens)::bigint as answer_tokens,
        sum(relatives.cost_usd) as cost_usd
    from below
    inner join relatives
        on
            {{ same("below", "relatives", key) }}
    where below.is_used
    group by {{ columns_of("below", trace_key) }}, below.top_id
    -- Two that name each other as their parent repeat nothing.
    having not bool_or(below.observation_id in (below.top_id, coalesce(below.above_id, below.top_id)))
),

repeated as (
    select
        {{ columns_of("sums", key) }},
        sums.first_observation_id as kept_observation_id,
        case
            when relatives.total_tokens > 0
                then format(
                    'It repeats what the %s below it used: %s tokens, %s of them in the answer.',
                    case when sums.calls = 1 then 'call' else sums.calls || ' calls' end,
                    sums.total_tokens, sums.answer_tokens
                )
            else format(
                'It repeats what the %s below it cost: %s US dollars.',
                case when sums.calls = 1 then 'call' else sums.calls || ' calls' end, trim_scale(sums.cost_usd)
            )
        end as explanation
    from sums
    inner join relatives
        on
            {{ same("sums", "relatives", key) }}
    where
        (relatives.model_compared is null or relatives.model_compared = any(sums.models))
        and case
            when relatives.total_tokens > 0
                then
                    relatives.total_tokens = sums.total_tokens
                    and relatives.answer_tokens = sums.answer_tokens
                    -- A parent often tells input and output alone.
                    and (
                        relatives.cached_input_tokens + relatives.cache_write_tokens = 0
                        or (
                            relatives.cached_input_tokens = sums.cached_input_tokens
                            and relatives.cache_write_tokens = sums.cache_write_tokens
                        )
                    )
                    -- Else its cost would be lost with it.
                    and (relatives.cost_usd = 0 or sums.cost_usd > 0)
            else abs(relatives.cost_usd - sums.cost_usd) <= relatives.cost_usd / 1000000
        end
)

select * from repeated
