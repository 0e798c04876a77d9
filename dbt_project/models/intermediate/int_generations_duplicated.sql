{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}]) }}

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

generations as (
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
),

-- Pairs of one answer. Those of two traces must lie on the day of each: else a trace that is not built anew would change.
of_one_answer as materialized (
    select
        {{ columns_of("others", key) }},
        others.standing,
        others.started_at,
        others.finished_at,
        kept.trace_id as kept_trace_id,
        kept.observation_id as kept_observation_id,
        kept.recorded_by as kept_recorded_by,
        kept.standing as kept_standing,
        kept.started_at as kept_started_at,
        kept.finished_at as kept_finished_at,
        others.response_id,
        {{ is_inside_other("others", "kept") }} as is_inside
    from ordered as others
    inner join ordered as kept
        on
            {{ same("others", "kept", answer) }}
            and others.standing <> kept.standing
            and (
                others.answer_tokens = kept.answer_tokens
                or others.total_tokens = 0
                or kept.total_tokens = 0
            )
    where
        length(others.response_id) >= {{ court_evidence("shortest_response_id") }}
        and (others.trace_id = kept.trace_id or (others.is_on_day_of_trace and kept.is_on_day_of_trace))
),

-- Pairs of one trace that nothing but who recorded them tells apart.
of_one_trace as (
    select
        {{ columns_of("others", key) }},
        others.standing,
        others.recorded_by,
        kept.observation_id as kept_observation_id,
        kept.recorded_by as kept_recorded_by,
        kept.standing as kept_standing,
        abs(extract(epoch from others.started_at - kept.started_at)) as seconds_apart,
        abs(others.place - kept.place) as places_apart
    from ordered as others
    inner join ordered as kept
        on
            {{ same("others", "kept", trace_key) }}
            and others.model_compared = kept.model_compared
            and others.total_tokens = kept.total_tokens
            and others.answer_tokens = kept.answer_tokens
            and others.recorded_by <> kept.recorded_by
    where
        {{ rule_is_on("recorded_twice") }}
        and others.answer_tokens > 0
        and coalesce(others.response_id = kept.response_id, true)
        and {{ is_inside_other("others", "kept") }}
        and least(others.finished_at - others.started_at, kept.finished_at - kept.started_at) * 2
        >= greatest(others.finished_at - others.started_at, kept.finished_at - kept.started_at)
),

-- Of calls that run side by side, each belongs to the nearest, if that one's nearest is it.
nearest as (
    select
        *,
        row_number() over (
            partition by standing, kept_recorded_by
            order by seconds_apart, places_apart, kept_standing
        ) as nearest_of_call,
        row_number() over (
            partition by kept_standing, recorded_by
            order by seconds_apart, places_apart, standing
        ) as nearest_of_kept
    from of_one_trace
),

twice as (
    select distinct on (standing) *
    from (
        select
            {{ key | join(", ") }},
            standing,
            kept_trace_id,
            kept_observation_id,
            kept_recorded_by,
            kept_standing,
            'the id of the answer, ' || response_id || ', is the same' as because
        from of_one_answer
        where {{ rule_is_on("recorded_twice") }} and is_inside and kept_standing < standing
        union all
        select
            {{ key | join(", ") }},
            standing,
            trace_id as kept_trace_id,
            kept_observation_id,
            kept_recorded_by,
            kept_standing,
            'model, tokens and time are the same' as because
        from nearest
        where nearest_of_call = 1 and nearest_of_kept = 1 and kept_standing < standing
    ) as pairs
    order by standing, kept_standing
),

-- An answer that comes again later, far too fast to have been made, came from a cache. What was recorded twice replays
-- nothing, and is no original: so of each answer one call stays.
replayed as (
    select distinct on (of_one_answer.standing) of_one_answer.*
    from of_one_answer
    where
        {{ rule_is_on("replayed_cache_hit") }}
        and not of_one_answer.is_inside
        and of_one_answer.started_at >= of_one_answer.kept_finished_at
        and (of_one_answer.finished_at - of_one_answer.started_at) * {{ court_evidence("replay_is_faster") }}
        <= of_one_answer.kept_finished_at - of_one_answer.kept_started_at
        and of_one_answer.standing not in (select twice.standing from twice)
        and of_one_answer.kept_standing not in (select twice.standing from twice)
    order by of_one_answer.standing, of_one_answer.kept_started_at, of_one_answer.kept_standing
),

duplicated as (
    select
        {{ key | join(", ") }},
        'recorded_twice' as rule,
        kept_trace_id,
        kept_observation_id,
        format(
            'The same call was recorded%s as well, as %s: %s.',
            ' by ' || kept_recorded_by, kept_observation_id, because
        ) as explanation
    from twice
    union all
    select
        {{ key | join(", ") }},
        'replayed_cache_hit' as rule,
        kept_trace_id,
        kept_observation_id,
        format(
            'A cache answered: the answer %s of %s came again, in %s instead of %s milliseconds.',
            response_id,
            kept_observation_id,
            trim_scale(round(extract(epoch from finished_at - started_at) * 1000, 3)),
            trim_scale(round(extract(epoch from kept_finished_at - kept_started_at) * 1000, 3))
        ) as explanation
    from replayed
)

select * from duplicated
