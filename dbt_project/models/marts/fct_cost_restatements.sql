{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}
{% set published = published_mart("fct_generations") %}
{% set published_days = published_mart("fct_usage_daily") %}
{% set published_restatements = published_mart() %}
{% set cell = ["usage_date", "instance", "project_id", "department", "model"] %}

-- noqa: disable=ST03,RF01,LT02
-- Nothing is published before the first build.
with

days as (
    select * from {{ ref("int_days_touched") }}
),

usage_days as (
    select * from {{ ref("fct_usage_daily") }}
),

generations as (
    select * from {{ ref("fct_generations") }}
),

builds as (
    select * from {{ ref("fct_builds") }}
),

build as (
    select
        build_id,
        started_at
    from builds
    where status = 'running'
),

{% if published and published_days %}

now_spent as (
    select
        {{ cell | join(",\n        ") }},
        sum(cost_usd) as cost_usd
    from usage_days
    where usage_date in (select days.reporting_day from days)
    group by {{ cell | join(", ") }}
),

then_spent as (
    select
        {{ cell | join(",\n        ") }},
        sum(cost_usd) as cost_usd
    from {{ published_days }}
    where usage_date in (select days.reporting_day from days)
    group by {{ cell | join(", ") }}
),

-- Only there calls are compared one by one; nearly all of them differ by new calls alone.
differing as (
    select distinct
        now_spent.usage_date,
        now_spent.instance,
        now_spent.project_id,
        now_spent.model
    from now_spent
    inner join then_spent
        on
            {{ same("now_spent", "then_spent", cell) }}
    where now_spent.cost_usd <> then_spent.cost_usd
),

-- The same call, of which Langfuse said the same: whatever differs was decided here.
compared as (
    select
        {{ columns_of("generations", cell) }},
        generations.project_name,
        generations.canonical_model,
        case
            when
                (generations.is_counted, generations.total_tokens)
                is distinct from (known.is_counted, known.total_tokens)
                then 'double counting'
            else 'price'
        end as reason,
        case when known.is_counted then known.cost_usd else 0 end as before_cost_usd,
        case when generations.is_counted then generations.cost_usd else 0 end as after_cost_usd
    from differing
    inner join generations
        on
            {{ same("differing", "generations", ["usage_date", "instance", "project_id", "model"]) }}
    inner join {{ published }} as known
        on
            {{ same("generations", "known", key + ["usage_date", "batch_id"]) }}
),

restated as (
    select
        {{ cell | join(",\n        ") }},
        max(project_name) as project_name,
        max(canonical_model) as canonical_model,
        reason,
        count(*) as calls,
        sum(before_cost_usd) as before_cost_usd,
        sum(after_cost_usd) as after_cost_usd
    from compared
    where before_cost_usd <> after_cost_usd
    group by {{ cell | join(", ") }}, reason
),

{% else %}

restated as (
    select
        {{ columns_of("usage_days", cell) }},
        usage_days.project_name,
        usage_days.canonical_model,
        null::text as reason,
        usage_days.calls,
        usage_days.cost_usd as before_cost_usd,
        usage_days.cost_usd as after_cost_usd
    from usage_days
    where false
),

{% endif %}

final as (
    select
        build.build_id,
        build.started_at as restated_at,
        restated.usage_date,
        restated.instance,
        restated.project_id,
        restated.project_name,
        restated.department,
        restated.model,
        restated.canonical_model,
        restated.reason,
        restated.calls,
        restated.before_cost_usd,
        restated.after_cost_usd,
        restated.after_cost_usd - restated.before_cost_usd as restated_cost_usd
    from restated
    inner join build on true
    {% if published_restatements %}
    union all
    -- What was restated before stays on record, in whichever of the two copies of the marts this build writes.
    select
        build_id,
        restated_at,
        usage_date,
        instance,
        project_id,
        project_name,
        department,
        model,
        canonical_model,
        reason,
        calls,
        before_cost_usd,
        after_cost_usd,
        restated_cost_usd
    from {{ published_restatements }}
    {% endif %}
)

select * from final
