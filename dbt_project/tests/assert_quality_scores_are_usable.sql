with

scores as (
    select * from {{ ref("quality_scores") }}
),

unusable as (
    select *
    from scores
    where minimum >= maximum or weight < 0 or success_at not between minimum and maximum
)

select * from unusable
