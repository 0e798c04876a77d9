with

traces as (
    select * from {{ ref("int_traces_touched") }}
),

days as (
    select * from {{ ref("int_days_touched") }}
),

quality_scores as (
    select * from {{ ref("quality_scores") }}
),

{% if flags.FULL_REFRESH %}

scores as (
    select
        *,
        true as is_day_touched
    from {{ ref("stg_langfuse__scores") }}
),

{% else %}

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

scores_of_traces as (
    select
        scores.*,
        days.reporting_day is not null as is_day_touched
    from traces
    cross join lateral (
        {{ rows_by_key("stg_langfuse__scores", "traces", ["instance", "project_id", "trace_id"]) }}
    ) as scores
    left join days on {{ local_day("scores.scored_at") }} = days.reporting_day
),

scores_without_trace as (
    select
        scores.*,
        true as is_day_touched
    from days
    cross join projects
    cross join lateral ({{ rows_of_day("stg_langfuse__scores", "scored_at") }}) as scores
    where scores.trace_id is null
),

scores as (
    select * from scores_of_traces
    union all
    select * from scores_without_trace
),

{% endif %}

-- 0 is the worst and 1 the best that the score can say; what lies outside its range counts as the end of it.
normalised as (
    select
        scores.*,
        {{ local_day("scores.scored_at") }} as score_date,
        quality_scores.weight,
        trim_scale(case
            when quality_scores.direction = 'higher'
                then least(greatest(
                    (scores.numeric_value - quality_scores.minimum)
                    / nullif(quality_scores.maximum - quality_scores.minimum, 0), 0
                ), 1)
            when quality_scores.direction = 'lower'
                then least(greatest(
                    (quality_scores.maximum - scores.numeric_value)
                    / nullif(quality_scores.maximum - quality_scores.minimum, 0), 0
                ), 1)
        end) as quality,
        case
            when quality_scores.direction = 'higher' then scores.numeric_value >= quality_scores.success_at
            when quality_scores.direction = 'lower' then scores.numeric_value <= quality_scores.success_at
        end as is_success
    from scores
    left join quality_scores
        on
            scores.score_name = quality_scores.score_name
            and scores.data_type in ('NUMERIC', 'BOOLEAN')
)

select * from normalised
