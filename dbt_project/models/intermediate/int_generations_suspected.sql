{# The planner takes keys of four columns for rarer than they are: it would compare each row with each. #}
{{ config(
    pre_hook="set local enable_nestloop = off",
    indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}],
) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}
{% set key = trace_key + ["observation_id"] %}
{% set answer = ["instance", "project_id", "response_id", "usage_date"] %}

{# Which of several records of a call stays, whatever order they were loaded in: the one that says most. #}
{% set says_most_first %}
recorded_cost_usd is not null desc,
        details desc,
        is_nested desc,
        finished_at - started_at desc,
        started_at,
        trace_id,
        observation_id
{% endset %}

with

-- Read several times, and not copied for it.
generations as not materialized (
    select * from {{ ref("int_generations_measured") }}
),

corrected as (
    select * from {{ ref("int_generations_corrected") }}
),

repeated as (
    select * from {{ ref("int_generations_repeated") }}
),

traces as (
    select * from {{ ref("int_traces_rooted") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

-- An id that is too short to be one of its kind is none: some servers draw it from a thousand.
shared_answers as materialized (
    select {{ answer | join(", ") }}
    from generations
    where
        ({{ rule_is_on("recorded_twice") }} or {{ rule_is_on("replayed_cache_hit") }})
        and length(response_id) >= {{ court_evidence("shortest_response_id") }}
        and not is_synthetic_root
        and not {{ is_from_cache() }}
    group by {{ answer | join(", ") }}
    having count(*) > 1
),

mixed_traces as materialized (
    select {{ trace_key | join(", ") }}
    from generations
    where
        {{ rule_is_on("recorded_twice") }}
        and (instrumentation is not null or starts_with(observation_id, 'time-'))
        and total_tokens > 0
        and not is_synthetic_root
        and not {{ is_from_cache() }}
    group by {{ trace_key | join(", ") }}
    having min({{ recorded_by() }}) <> max({{ recorded_by() }})
),

suspects as (
    select {{ columns_of("generations", key) }}
    from shared_answers
    inner join generations
        on
            {{ same("shared_answers", "generations", answer) }}
    union
    select {{ columns_of("generations", key) }}
    from mixed_traces
    inner join generations
        on
            {{ same("mixed_traces", "generations", trace_key) }}
),

calls as materialized (
    select
        {{ columns_of("generations", key + ["response_id", "usage_date", "started_at", "recorded_cost_usd"]) }},
        greatest(generations.started_at, generations.ended_at) as finished_at,
        {{ recorded_by("generations.") }} as recorded_by,
        generations.parent_observation_id is not null as is_nested,
        (select count(*) from jsonb_object_keys(generations.usage_details)) as details,
        {{ model_compared("models.canonical_model", "generations.model") }} as model_compared,
        coalesce(corrected.total_tokens, generations.total_tokens) as total_tokens,
        coalesce(corrected.total_tokens, generations.total_tokens)
        - coalesce(corrected.input_tokens, generations.input_tokens)
        - generations.cached_input_tokens
        - generations.cache_write_tokens
        - generations.other_input_tokens as answer_tokens,
        generations.usage_date = traces.trace_date as is_on_day_of_trace
    from suspects
    inner join generations
        on
            {{ same("suspects", "generations", key) }}
    inner join traces
        on
            {{ same("suspects", "traces", trace_key) }}
    left join corrected
        on
            {{ same("suspects", "corrected", key) }}
    left join repeated
        on
            {{ same("suspects", "repeated", key) }}
    left join models on generations.model = models.model
    where
        repeated.observation_id is null
        and not generations.is_synthetic_root
        and not {{ is_from_cache("generations.") }}
),

ordered as materialized (
    select
        *,
        row_number() over (order by {{ says_most_first }}) as standing,
        row_number() over (
            partition by
                {{ trace_key | join(", ") }}, model_compared, total_tokens, answer_tokens, recorded_by
            order by started_at, observation_id
        ) as place
    from calls
)

select * from ordered
