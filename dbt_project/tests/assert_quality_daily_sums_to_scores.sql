with

days as (
    select * from {{ ref("int_days_touched") }}
),

scores as (
    select
        score_date,
        count(*) as scores,
        coalesce(sum(numeric_value), 0) as total_value,
        coalesce(sum(quality), 0) as total_quality
    from {{ ref("fct_scores") }}
    where not is_vanished and score_date in (select days.reporting_day from days)
    group by score_date
),

quality as (
    select
        score_date,
        sum(scores) as scores,
        sum(total_value) as total_value,
        sum(total_quality) as total_quality
    from {{ ref("fct_quality_daily") }}
    where score_date in (select days.reporting_day from days)
    group by score_date
),

differing as (
    select
        coalesce(scores.score_date, quality.score_date) as score_date,
        quality.scores - scores.scores as scores_too_many,
        quality.total_value - scores.total_value as total_value_too_much
    from scores
    full outer join quality on scores.score_date = quality.score_date
    where
        (scores.scores, scores.total_value, scores.total_quality)
        is distinct from (quality.scores, quality.total_value, quality.total_quality)
)

select * from differing
