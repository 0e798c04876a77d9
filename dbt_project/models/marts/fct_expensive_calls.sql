{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set kept = var("expensive_calls_kept") %}
{% set place = ["usage_date", "instance", "project_id"] %}

with

-- A tenth of the logarithm: coarse, but it grows with the cost, and it is quick. Read twice, for that is cheaper than
-- keeping all calls in between.
generations as not materialized (
    select
        *,
        floor(10 * ln(greatest(cost_usd, 0.000000000001)::double precision))::integer as magnitude
    from {{ ref("fct_generations") }}
    where is_counted and cost_usd > 0 and {{ only_touched_days("usage_date") }}
),

magnitudes as (
    select
        {{ place | join(",\n        ") }},
        magnitude,
        count(*) as calls
    from generations
    group by {{ place | join(", ") }}, magnitude
),

added_up as (
    select
        *,
        sum(calls) over (
            partition by {{ place | join(", ") }}
            order by magnitude desc
        ) - calls as dearer_calls
    from magnitudes
),

-- No cheaper call can be among those that are kept, so only these are put in order.
least as (
    select
        {{ place | join(",\n        ") }},
        min(magnitude) as magnitude
    from added_up
    where dearer_calls < {{ kept }}
    group by {{ place | join(", ") }}
),

ranked as (
    select
        generations.*,
        row_number() over (
            partition by generations.usage_date, generations.instance, generations.project_id
            order by
                generations.cost_usd desc, generations.started_at asc, generations.trace_id asc,
                generations.observation_id asc
        ) as cost_rank
    from generations
    inner join least
        on
            {{ same("generations", "least", place) }}
            and generations.magnitude >= least.magnitude
),

final as (
    select
        -- ids
        instance,
        project_id,
        project_name,
        trace_id,
        observation_id,

        -- when
        usage_date,
        started_at,
        cost_rank,

        -- whose
        environment,
        department,
        team,
        agent,
        user_id,
        session_id,

        -- what
        trace_name,
        observation_name,
        model,
        canonical_model,
        provider,
        prompt_name,
        prompt_version,
        is_error,
        total_input_tokens,
        output_tokens,
        total_tokens,
        cost_usd,
        latency_ms,
        langfuse_url
    from ranked
    where cost_rank <= {{ kept }}
)

select * from final
