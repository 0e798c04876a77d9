{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "department", "model", "canonical_model", "provider",
] %}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        count(*) as calls,
        count(*) filter (where list_cost_usd is not null) as priced_calls,
        count(*) filter (where cost_basis = 'recorded') as recorded_only_calls,
        count(*) filter (where cost_basis = 'none') as unpriced_calls,
        coalesce(sum(total_tokens), 0)::bigint as total_tokens,
        coalesce(sum(total_tokens) filter (where list_cost_usd is not null), 0)::bigint as priced_tokens,
        coalesce(sum(total_tokens) filter (where cost_basis = 'recorded'), 0)::bigint as recorded_only_tokens,
        coalesce(sum(total_tokens) filter (where cost_basis = 'none'), 0)::bigint as unpriced_tokens,
        sum(cost_usd) as cost_usd,
        coalesce(sum(cost_usd) filter (where cost_basis = 'list'), 0) as list_basis_cost_usd,
        coalesce(sum(cost_usd) filter (where cost_basis = 'negotiated'), 0) as negotiated_cost_usd,
        coalesce(sum(cost_usd) filter (where cost_basis = 'self_hosted'), 0) as self_hosted_cost_usd,
        coalesce(sum(cost_usd) filter (where cost_basis = 'recorded'), 0) as recorded_only_cost_usd
    from generations
    group by {{ cell | join(", ") }}
),

-- What a token costs with the models of that day, half of them less and half of them more.
usual as (
    select
        usage_date,
        instance,
        percentile_disc(0.5) within group (
            order by (list_basis_cost_usd + negotiated_cost_usd + self_hosted_cost_usd) / priced_tokens
        ) as token_cost_usd
    from days
    where priced_tokens > 0
    group by usage_date, instance
),

final as (
    select
        {{ columns_of("days", cell) }},
        days.calls,
        days.priced_calls,
        days.recorded_only_calls,
        days.unpriced_calls,
        trim_scale(round(days.priced_calls::numeric / days.calls, 6)) as priced_call_share,
        days.total_tokens,
        days.priced_tokens,
        days.recorded_only_tokens,
        days.unpriced_tokens,
        trim_scale(round(days.priced_tokens / nullif(days.total_tokens, 0)::numeric, 6)) as priced_token_share,
        days.cost_usd,
        days.list_basis_cost_usd,
        days.negotiated_cost_usd,
        days.self_hosted_cost_usd,
        days.recorded_only_cost_usd,
        trim_scale(round(days.unpriced_tokens * usual.token_cost_usd, 12)) as estimated_unpriced_cost_usd
    from days
    left join usual
        on
            days.usage_date = usual.usage_date
            and days.instance = usual.instance
)

select * from final
