-- Made whole: of the daily roll-up it reads the days that stand on bills.
{% set cell = ["billing_month", "provider", "canonical_model", "usage_type", "service_tier"] %}

with

lines as (
    select * from {{ ref("stg_providers__bill_lines") }}
),

files as (
    select * from {{ ref("stg_providers__bill_files") }}
    where format not like '%usage'
),

model_names as (
    select * from {{ ref("int_bill_models_matched") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

usage as (
    select * from {{ ref("fct_provider_usage_daily") }}
),

days as (
    select distinct
        files.provider,
        files.first_date + shift as billed_date
    from files
    cross join lateral generate_series(0, files.last_date - files.first_date) as shift
),

-- What was traced, by the days of the bill, which are in UTC, and by reporting days.
own as (
    {% for kind, clock in {"own": "utc_date", "own_reported": "usage_date"}.items() %}
    select
        '{{ kind }}' as kind,
        date_trunc('month', days.billed_date)::date as billing_month,
        days.provider,
        usage.canonical_model,
        usage.usage_type,
        usage.service_tier,
        usage.calls,
        usage.units,
        usage.cost_usd,
        null::integer as cost_decimals
    from days
    inner join usage on days.billed_date = usage.{{ clock }}
    left join models on usage.model = models.model
    where days.provider = coalesce(models.served_by, usage.provider)
    {{ "union all" if not loop.last }}
    {% endfor %}
),

billed as (
    select
        case when lines.cost_usd is null then 'usage' else 'cost' end as kind,
        date_trunc('month', lines.usage_date)::date as billing_month,
        lines.provider,
        coalesce(model_names.canonical_model, lines.model) as canonical_model,
        lines.usage_type,
        lines.service_tier,
        0::bigint as calls,
        lines.units,
        lines.cost_usd,
        lines.cost_decimals
    from lines
    left join model_names on lines.model = model_names.model
),

amounts as (
    select * from own
    union all
    select * from billed
),

-- How finely the bill tells its costs decides how finely they are compared.
months as (
    select
        billing_month,
        provider,
        bool_and(canonical_model is not null) as is_by_model,
        0.5 * power(10::numeric, -max(cost_decimals)) as line_rounding_usd
    from amounts
    where kind = 'cost'
    group by billing_month, provider
),

-- Calls whose cost is not told by type can only be compared whole.
details as (
    select
        billing_month,
        provider,
        canonical_model,
        bool_and(usage_type is not null) filter (where kind = 'cost')
        and coalesce(
            abs(sum(cost_usd) filter (where kind = 'own' and usage_type = 'unallocated'))
            <= 0.001 * sum(cost_usd) filter (where kind = 'own'), true
        ) as is_by_type,
        bool_or(service_tier is not null) filter (where kind = 'cost') as is_by_tier
    from amounts
    group by billing_month, provider, canonical_model
),

keyed as (
    select
        amounts.kind,
        amounts.billing_month,
        amounts.provider,
        case when months.is_by_model then amounts.canonical_model else 'all' end as canonical_model,
        case
            when months.is_by_model and coalesce(details.is_by_type, true) then amounts.usage_type else 'all'
        end as usage_type,
        case
            when months.is_by_model and details.is_by_tier then coalesce(amounts.service_tier, 'standard') else 'all'
        end as service_tier,
        amounts.calls,
        amounts.units,
        amounts.cost_usd,
        months.line_rounding_usd
    from amounts
    inner join months
        on
            {{ same("amounts", "months", ["billing_month", "provider"]) }}
    left join details
        on
            {{ same("amounts", "details", ["billing_month", "provider", "canonical_model"]) }}
),

summed as (
    select
        {{ cell | join(",\n        ") }},
        count(*) filter (where kind = 'cost') as lines,
        case
            when coalesce(bool_and(units is not null) filter (where kind = 'cost'), false)
                then sum(units) filter (where kind = 'cost')
            when count(*) filter (where kind = 'cost') = 0 or count(*) filter (where kind = 'usage') > 0
                then coalesce(sum(units) filter (where kind = 'usage'), 0)
        end as billed_units,
        coalesce(sum(cost_usd) filter (where kind = 'cost'), 0) as billed_cost_usd,
        coalesce(sum(calls) filter (where kind = 'own'), 0)::bigint as calls,
        coalesce(sum(units) filter (where kind = 'own'), 0) as units,
        coalesce(sum(cost_usd) filter (where kind = 'own'), 0) as cost_usd,
        coalesce(sum(cost_usd) filter (where kind = 'own_reported'), 0) as reported_cost_usd,
        count(*) filter (where kind = 'cost') * max(line_rounding_usd) as rounding_bound_usd
    from keyed
    group by {{ cell | join(", ") }}
),

final as (
    select
        *,
        bool_or(calls > 0) over (partition by billing_month, provider, canonical_model) as is_traced
    from summed
)

select * from final
