-- Made whole by each build, from what each workload used of each model in 30 days.

{% set workload = ["instance", "project_id", "project_name", "department", "agent", "prompt_name"] %}
{% set units = [
    "calls", "unpriced_calls", "input_tokens", "cached_input_tokens", "cache_write_tokens", "total_input_tokens",
    "output_tokens",
] %}

with

models as (
    select * from {{ ref("fct_workload_models") }}
),

workload_days as (
    select * from {{ ref("fct_workload_daily") }}
),

prices as not materialized (
    select * from {{ ref("int_candidates_priced") }}
),

day_costs as (
    select
        {{ workload | join(",\n        ") }},
        usage_date,
        sum(cost_usd) as cost_usd
    from workload_days
    where usage_date > (select max(models.as_of_date) from models) - 30
    group by {{ workload | join(", ") }}, usage_date
),

-- How a cheap and a dear day stand to the mean one.
spreads as (
    select
        {{ workload | join(",\n        ") }},
        percentile_disc({{ var("day_cost_percentiles").low }}) within group (order by cost_usd)
        / nullif(avg(cost_usd), 0) as cheap_day,
        percentile_disc({{ var("day_cost_percentiles").high }}) within group (order by cost_usd)
        / nullif(avg(cost_usd), 0) as dear_day
    from day_costs
    group by {{ workload | join(", ") }}
),

workloads as (
    select
        {{ workload | join(",\n        ") }},
        as_of_date,
        {{ day_starts_at("(as_of_date + 1)") }} as as_of_end_at,
        days_of_data,
        {% for unit in units -%}
        sum({{ unit }}) as {{ unit }},
        {% endfor -%}
        array_agg(other_usage) filter (where other_usage is not null) as other_usages,
        sum(cost_usd) as cost_usd
    from models
    group by {{ workload | join(", ") }}, as_of_date, days_of_data
),

candidates as (
    select
        instance,
        canonical_model,
        min(provider) as provider
    from (
        select
            instance,
            canonical_model,
            provider
        from models
        where canonical_model <> 'unknown'
        union
        select
            instances.instance,
            prices.canonical_model,
            prices.provider
        from prices
        cross join (select distinct models.instance from models) as instances
        where prices.instance is null
    ) as known
    group by instance, canonical_model
),

pairs as (
    select
        workloads.*,
        candidates.canonical_model as candidate_model,
        candidates.provider as candidate_provider,
        current_models.canonical_model as current_model,
        current_models.provider as current_provider,
        current_models.scored_traces as current_scores,
        current_models.quality as current_quality,
        current_models.quality_variance / nullif(current_models.scored_traces, 0) as current_square_error,
        coalesce(tried.scored_traces, 0) as candidate_scores,
        tried.quality as candidate_quality,
        tried.quality_variance / nullif(tried.scored_traces, 0) as candidate_square_error,
        coalesce(spreads.cheap_day, 1) as cheap_day,
        coalesce(spreads.dear_day, 1) as dear_day,
        {{ token_ratio("low", "current_models.provider", "candidates.provider") }} as fewest_tokens,
        {{ token_ratio("high", "current_models.provider", "candidates.provider") }} as most_tokens
    from workloads
    inner join models as current_models
        on
            {{ same("workloads", "current_models", workload) }}
            and current_models.is_most_used
    inner join candidates
        on
            workloads.instance = candidates.instance
            and current_models.canonical_model <> candidates.canonical_model
    inner join spreads
        on
            {{ same("workloads", "spreads", workload) }}
    left join models as tried
        on
            {{ same("workloads", "tried", workload) }}
            and candidates.canonical_model = tried.canonical_model
),

-- Tokens at the price that holds at the data's end for calls of the mean size. Of several prices the project's own goes
-- first, then the dearest hours: what is recommended must not depend on when calls are made.
priced as (
    select
        pairs.*,
        price.price_source,
        price.share_paid * cost.list_cost_usd * 30 / pairs.days_of_data as estimated_cost_usd,
        case when price.prices is null then 'no price' else 'no price for ' || cost.type_without_price end as no_price
    from pairs
    left join lateral (
        select prices.*
        from prices
        where
            (prices.instance = pairs.instance or prices.instance is null)
            and prices.canonical_model = pairs.candidate_model
            and prices.valid_from < pairs.as_of_end_at
            and prices.valid_until >= pairs.as_of_end_at
            and prices.above_input_tokens < greatest(ceil(pairs.total_input_tokens / pairs.calls), 1)
            and coalesce(prices.up_to_input_tokens, {{ most_tokens() }})
            >= greatest(ceil(pairs.total_input_tokens / pairs.calls), 1)
        order by
            coalesce(prices.project_id = pairs.project_id, false) desc, prices.instance asc nulls last,
            (prices.prices ->> 'output')::numeric desc nulls last, (prices.prices ->> 'input')::numeric desc nulls last,
            prices.model asc, prices.project_id asc
        limit 1
    ) as price on true
    cross join lateral (
        {{ cost_of_usage("pairs", "price.prices") }}
    ) as cost
),

{{ weighed_candidates("priced") }}

select * from final
