{# The planner takes keys of four columns for rarer than they are: it would compare each row with each. #}
{{ config(
    pre_hook="set local enable_nestloop = off",
    indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}],
) }}

{% set trace_key = ["instance", "project_id", "trace_id"] %}
{% set key = trace_key + ["observation_id"] %}

with

ordered as (
    select * from {{ ref("int_generations_suspected") }}
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
            {{ same("others", "kept", ["instance", "project_id", "response_id", "usage_date"]) }}
            and others.standing <> kept.standing
            and (
                others.answer_tokens = kept.answer_tokens
                or others.total_tokens = 0
                or kept.total_tokens = 0
            )
    where
        length(others.response_id) >= {{ court_evidence("shortest_response_id") }}
        -- An application that gives all of a trace's calls one id of its own must not lose them.
        and (
            others.response_id ~ {{ sql_text(court_evidence("response_id_of_a_provider")) }}
            or (
                others.total_tokens = kept.total_tokens
                and (others.trace_id <> kept.trace_id or others.recorded_by <> kept.recorded_by)
            )
        )
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
