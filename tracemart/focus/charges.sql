-- One row per charge: UTC day x project x environment x department x team x agent x feature x free dimensions x model x
-- who serves it x tier x basis of cost x usage type; and one per day of a commitment.
-- Parameters: starts_at, ends_at (timestamptz); units, priced_by (jsonb, as in charges.py).
with

calls as (
    select
        calls.instance, calls.project_id, calls.project_name, calls.environment, calls.department, calls.team,
        calls.agent, calls.feature, calls.dimension_1, calls.dimension_2, calls.provider, calls.canonical_model,
        calls.cost_basis, calls.price_source, calls.input_tokens, calls.input_cost_usd, calls.cached_input_tokens,
        calls.cached_input_cost_usd, calls.cache_write_tokens, calls.cache_write_cost_usd, calls.output_tokens,
        calls.output_cost_usd, calls.other_usage, calls.other_costs_usd, calls.cost_usd,
        coalesce(nullif(models.served_by, 'unknown'), calls.provider) as served_by,
        null::text as commitment,
        date_trunc('day', calls.started_at, 'UTC') as charge_day,
        coalesce(calls.service_tier, 'standard') as service_tier,
        coalesce(calls.list_cost_usd, calls.cost_usd) as listed_cost_usd,
        -- What a discount took of the whole it took of each part.
        case
            when calls.cost_usd <> 0 and calls.list_cost_usd <> calls.cost_usd then calls.list_cost_usd / calls.cost_usd
            else 1
        end as listed_ratio
    from marts.fct_generations as calls
    left join marts.dim_models as models
        on
            calls.instance = models.instance
            and calls.project_id = models.project_id
            and calls.model = models.model
    where
        calls.is_counted
        -- Reporting days are local to some zone, so a UTC day lies on two of them.
        and calls.usage_date
        between (%(starts_at)s at time zone 'UTC')::date - 1 and (%(ends_at)s at time zone 'UTC')::date + 1
        and calls.started_at >= %(starts_at)s
        and calls.started_at < %(ends_at)s
),

cells as (
    select
        {cell},
        count(*) as calls,
        sum(cost_usd) as cost_usd,
        sum(listed_cost_usd) as listed_cost_usd,
        sum(input_tokens) as input_tokens,
        sum(input_cost_usd) as input_cost_usd,
        sum(round(input_cost_usd * listed_ratio, 12)) as listed_input_cost_usd,
        sum(cached_input_tokens) as cached_input_tokens,
        sum(cached_input_cost_usd) as cached_input_cost_usd,
        sum(round(cached_input_cost_usd * listed_ratio, 12)) as listed_cached_input_cost_usd,
        sum(cache_write_tokens) as cache_write_tokens,
        sum(cache_write_cost_usd) as cache_write_cost_usd,
        sum(round(cache_write_cost_usd * listed_ratio, 12)) as listed_cache_write_cost_usd,
        sum(output_tokens) as output_tokens,
        sum(output_cost_usd) as output_cost_usd,
        sum(round(output_cost_usd * listed_ratio, 12)) as listed_output_cost_usd
    from calls
    group by
        {cell}
),

main_parts as (
    select cells.*, part.usage_type, part.units, part.part_usd, part.listed_part_usd
    from cells
    cross join lateral (
        values
        ('input', input_tokens, input_cost_usd, listed_input_cost_usd),
        ('cached_input', cached_input_tokens, cached_input_cost_usd, listed_cached_input_cost_usd),
        ('cache_write', cache_write_tokens, cache_write_cost_usd, listed_cache_write_cost_usd),
        ('output', output_tokens, output_cost_usd, listed_output_cost_usd)
    ) as part (usage_type, units, part_usd, listed_part_usd)
    where part.units > 0
),

other_parts as (
    select
        {cell},
        used.key as usage_type,
        sum(used.value::numeric) as units,
        sum(coalesce((other_costs_usd ->> used.key)::numeric, 0)) as part_usd,
        sum(round(coalesce((other_costs_usd ->> used.key)::numeric, 0) * listed_ratio, 12)) as listed_part_usd
    from calls
    cross join lateral jsonb_each_text(calls.other_usage) as used
    -- cache_write_1h says how many of cache_write are kept for an hour.
    where calls.other_usage is not null and used.key <> 'cache_write_1h'
    group by
        {cell}, used.key
    having sum(used.value::numeric) > 0
),

parts as (
    select
        {cell}, usage_type, units, part_usd, listed_part_usd
    from main_parts
    union all
    select * from other_parts
),

shares as (
    select
        {cell}, calls, cost_usd, listed_cost_usd
    from cells
    union all
    select
        {cell}, 0, -part_usd, -listed_part_usd
    from parts
),

-- What the parts leave of a total: fees by request, and costs that were recorded without parts.
rests as (
    select
        {cell},
        'unallocated' as usage_type,
        sum(calls) as units,
        sum(cost_usd) as part_usd,
        sum(listed_cost_usd) as listed_part_usd
    from shares
    group by
        {cell}
    -- A list cost is split in proportion, to twelve places: what rounding leaves of it alone is no charge.
    having sum(cost_usd) <> 0 or round(sum(listed_cost_usd), 6) <> 0
),

-- What is paid without a call, by its reporting days.
commitments as (
    select
        usage_date::timestamp at time zone 'UTC' as charge_day,
        instance, project_id, project_name, null as environment, department, team, agent, 'unattributed' as feature,
        'not set' as dimension_1, 'not set' as dimension_2, provider, canonical_model, provider as served_by, commitment,
        'standard' as service_tier, 'commitment' as cost_basis, 'team' as price_source, 'commitment' as usage_type,
        1 as units, cost_usd as part_usd, cost_usd as listed_part_usd
    from marts.fct_commitment_costs_daily
    where
        usage_date >= (%(starts_at)s at time zone 'UTC')::date
        and usage_date < (%(ends_at)s at time zone 'UTC')::date
),

charges as (
    select
        *,
        -- A part may be rounded up further than the total: no price is negative, so that is no usage.
        least(part_usd, listed_part_usd) >= 0 as is_usage,
        coalesce(%(units)s ->> usage_type, 'Units') as unit,
        coalesce((%(priced_by)s ->> (%(units)s ->> usage_type))::numeric, 1) as units_priced
    from (
        select * from parts
        union all
        select * from rests
        union all
        select * from commitments
    ) as charged
),

priced as (
    select
        *,
        trim_scale(units / units_priced) as quantity,
        trim_scale(part_usd) as cost_usd,
        trim_scale(case when is_usage then listed_part_usd else part_usd end) as list_cost_usd,
        served_by || '/' || coalesce('commitment/' || commitment, canonical_model || '/' || usage_type) as sku,
        project_id <> 'unattributed' as has_project,
        initcap(replace(usage_type, '_', ' ')) as meter,
        jsonb_strip_nulls(jsonb_build_object(
            'environment', environment,
            'department', nullif(department, 'unattributed'),
            'team', nullif(team, 'unattributed'),
            'agent', nullif(agent, 'unattributed'),
            'feature', nullif(feature, 'unattributed'),
            'dimension_1', nullif(dimension_1, 'not set'),
            'dimension_2', nullif(dimension_2, 'not set')
        )) as tags
    from charges
),

unit_priced as (
    select
        *,
        case when is_usage then trim_scale(round((list_cost_usd + 0e-20) / quantity, 18)) end as list_unit_price,
        case when is_usage then trim_scale(round((cost_usd + 0e-20) / quantity, 18)) end as contracted_unit_price
    from priced
),

final as (
    select
        cost_usd as "BilledCost",
        instance as "BillingAccountId",
        instance as "BillingAccountName",
        'Langfuse instance' as "BillingAccountType",
        'USD' as "BillingCurrency",
        date_trunc('month', charge_day, 'UTC') as "BillingPeriodStart",
        ((date_trunc('month', charge_day at time zone 'UTC') + interval '1 month') at time zone 'UTC')
            as "BillingPeriodEnd",
        case when is_usage then 'Usage' else 'Adjustment' end as "ChargeCategory",
        coalesce(commitment, canonical_model) || ', ' || case
            when commitment is not null then 'one day of what is paid without a call'
            when usage_type = 'unallocated' then 'what its parts leave of the total'
            else lower(replace(usage_type, '_', ' '))
        end as "ChargeDescription",
        case when commitment is null then 'Usage-Based' else 'Recurring' end as "ChargeFrequency",
        charge_day as "ChargePeriodStart",
        charge_day + interval '24 hours' as "ChargePeriodEnd",
        case when is_usage then trim_scale(units::numeric) end as "ConsumedQuantity",
        case when is_usage then unit end as "ConsumedUnit",
        cost_usd as "ContractedCost",
        cost_usd as "EffectiveCost",
        served_by as "InvoiceIssuerName",
        list_cost_usd as "ListCost",
        case when is_usage and cost_basis = 'self_hosted' then 'Other' when is_usage then 'Standard' end
            as "PricingCategory",
        'USD' as "PricingCurrency",
        case when is_usage then quantity end as "PricingQuantity",
        case when is_usage then case when units_priced > 1 then units_priced || ' ' else '' end || unit end
            as "PricingUnit",
        served_by as "ProviderName",
        provider as "PublisherName",
        list_unit_price as "ListUnitPrice",
        contracted_unit_price as "ContractedUnitPrice",
        list_unit_price as "PricingCurrencyListUnitPrice",
        contracted_unit_price as "PricingCurrencyContractedUnitPrice",
        cost_usd as "PricingCurrencyEffectiveCost",
        'AI and Machine Learning' as "ServiceCategory",
        served_by || ' models' as "ServiceName",
        'Generative AI' as "ServiceSubcategory",
        case when is_usage then sku end as "SkuId",
        case when is_usage then meter end as "SkuMeter",
        case when is_usage then jsonb_build_object('x_Model', canonical_model, 'x_ServiceTier', service_tier)::text end
            as "SkuPriceDetails",
        case when is_usage then sku || '/' || service_tier end as "SkuPriceId",
        case when has_project then instance || '/' || project_id end as "SubAccountId",
        case when has_project then project_name end as "SubAccountName",
        case when has_project then 'Langfuse project' end as "SubAccountType",
        tags::text as "Tags",
        cost_basis as "x_CostBasis",
        price_source as "x_PriceSource",
        usage_type as "x_UsageType"
    from unit_priced
)

select * from final
order by
    "ChargePeriodStart", "SubAccountId", "SkuId", "ChargeDescription", "SkuPriceId", "x_CostBasis", "x_PriceSource",
    "Tags"
