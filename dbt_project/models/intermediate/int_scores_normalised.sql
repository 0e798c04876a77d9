-- noqa: disable=ST03
-- A full refresh does not use every import.
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

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

carried as (
    select * from {{ ref("int_projects_carried") }}
),

scores as not materialized (
    select * from {{ ref("stg_langfuse__scores") }}
),

{% if flags.FULL_REFRESH %}

touched as (
    select * from scores
),

{% else %}

touched as (
    select scores_of_trace.*
    from traces
    cross join {{ rows_by_key("scores", "traces", ["instance", "project_id", "trace_id"]) }} as scores_of_trace
    union all
    select scores_of_day.*
    from days
    cross join projects
    cross join {{ rows_of_day("scores", "scored_at") }} as scores_of_day
    where scores_of_day.trace_id is null
),

{% endif %}

with_day as (
    select
        touched.*,
        {{ reporting_day("touched.scored_at") }} as score_date,
        coalesce(touched.scored_at < carried.carried_before_at, false) as is_day_carried
    from touched
    left join carried
        on
            touched.instance = carried.carried_instance
            and touched.project_id = carried.carried_project_id
),

-- 0 is the worst and 1 the best that the score can say; what lies outside its range counts as the end of it.
normalised as (
    select
        with_day.*,
        days.reporting_day is not null and not with_day.is_day_carried as is_day_touched,
        quality_scores.weight,
        trim_scale(case
            when quality_scores.direction = 'higher'
                then least(greatest(
                    (with_day.numeric_value - quality_scores.minimum)
                    / nullif(quality_scores.maximum - quality_scores.minimum, 0), 0
                ), 1)
            when quality_scores.direction = 'lower'
                then least(greatest(
                    (quality_scores.maximum - with_day.numeric_value)
                    / nullif(quality_scores.maximum - quality_scores.minimum, 0), 0
                ), 1)
        end) as quality,
        case
            when quality_scores.direction = 'higher' then with_day.numeric_value >= quality_scores.success_at
            when quality_scores.direction = 'lower' then with_day.numeric_value <= quality_scores.success_at
        end as is_success
    from with_day
    left join days on with_day.score_date = days.reporting_day
    left join quality_scores
        on
            with_day.score_name = quality_scores.score_name
            and with_day.data_type in ('NUMERIC', 'BOOLEAN')
)

select * from normalised
