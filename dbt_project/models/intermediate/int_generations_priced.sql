{# The price book is small: to sort all calls for it would take a copy of them on disk. #}
{{ config(
    pre_hook="set local enable_mergejoin = off",
    indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"]}],
) }}

{% set key = ["instance", "project_id", "trace_id", "observation_id"] %}

with

measured as (
    select * from {{ ref("int_generations_measured") }}
),

judged as (
    select * from {{ ref("int_generations_judged") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

prices as (
    select * from {{ ref("int_prices_dated") }}
),

usage_types as (
    select * from {{ ref("usage_types") }}
),

-- Read apart from the prices: a table that is read twice under one name would be copied, and by one process alone.
tiers as (
    select
        instance,
        project_id,
        model,
        array_agg(distinct service_tier) as service_tiers,
        array_agg(distinct pricing_tier_name) as tier_names
    from {{ ref("int_prices_dated") }}
    group by instance, project_id, model
),

-- As measured, or as the finding on the call corrects it.
corrected as (
    select
        {{ columns_of("measured", key) }},
        measured.model,
        models.canonical_model,
        models.provider,
        measured.is_error,
        measured.service_tier,
        (measured.started_at at time zone 'UTC')::time as time_of_day,
        measured.started_at,
        case when measured.service_tier = any(tiers.service_tiers) then measured.service_tier else 'standard' end
            as price_tier,
        case when measured.pricing_tier_name = any(tiers.tier_names) then measured.pricing_tier_name else '' end
            as price_tier_name,
        coalesce(judged.is_counted, true) as is_counted,
        case when not judged.is_counted then judged.rule end as not_counted_reason,
        coalesce(judged.is_unbilled, false) as is_unbilled,
        coalesce(judged.input_tokens, measured.input_tokens) as input_tokens,
        coalesce(judged.cached_input_tokens, measured.cached_input_tokens) as cached_input_tokens,
        coalesce(judged.cache_write_tokens, measured.cache_write_tokens) as cache_write_tokens,
        coalesce(
            judged.input_tokens + judged.cached_input_tokens + judged.cache_write_tokens + judged.other_input_tokens,
            measured.input_tokens + measured.cached_input_tokens + measured.cache_write_tokens
            + measured.other_input_tokens
        ) as total_input_tokens,
        coalesce(judged.output_tokens, measured.output_tokens) as output_tokens,
        coalesce(judged.total_tokens, measured.total_tokens) as total_tokens,
        case when judged.rule is null then measured.other_usage else judged.other_usage end as other_usage,
        measured.recorded_cost_usd,
        case
            when judged.is_unbilled then 0
            else measured.recorded_cost_usd + coalesce(judged.recorded_cost_correction_usd, 0)
        end as kept_cost_usd,
        case
            when judged.rule is null then measured.recorded_input_cost_usd
            else greatest(measured.recorded_input_cost_usd + judged.recorded_cost_correction_usd, 0)
        end as recorded_input_cost_usd,
        measured.recorded_cached_input_cost_usd,
        measured.recorded_cache_write_cost_usd,
        measured.recorded_output_cost_usd,
        measured.recorded_other_costs_usd,
        -- What one uncached input token of the same call cost, else the price that Langfuse shows for its model.
        case
            when measured.recorded_cached_input_cost_usd > 0 or measured.recorded_cache_write_cost_usd > 0
                then
                    coalesce(
                        nullif(measured.recorded_input_cost_usd, 0) / nullif(measured.input_tokens, 0),
                        measured.input_price_usd
                    )
        end as recorded_input_price_usd
    from measured
    left join judged
        on
            {{ same("measured", "judged", key) }}
    left join models on measured.model = models.model
    left join tiers
        on
            {{ same("measured", "tiers", ["instance", "project_id", "model"]) }}
),

-- The one piece of the price book that a call falls into.
booked as (
    select
        corrected.*,
        prices.price_source,
        prices.cost_basis as price_basis,
        1 - prices.discount as share_paid,
        prices.input_price_usd,
        prices.cached_input_price_usd,
        prices.cache_write_price_usd,
        prices.output_price_usd,
        prices.request_price_usd,
        prices.other_prices_usd,
        case
            when corrected.other_usage ? 'cache_write_1h' then (corrected.other_usage ->> 'cache_write_1h')::bigint
            else 0
        end as hour_write_tokens,
        corrected.other_usage is null
        and corrected.input_tokens + corrected.cached_input_tokens + corrected.cache_write_tokens = 0
        and corrected.output_tokens = 0 as is_without_parts
    from corrected
    left join prices
        on
            {{ same("corrected", "prices", ["instance", "project_id", "model"]) }}
            and corrected.price_tier = prices.service_tier
            and corrected.price_tier_name = coalesce(prices.pricing_tier_name, '')
            and corrected.started_at >= prices.valid_from
            and corrected.started_at < prices.valid_until
            and (
                prices.daily_from is null
                or (corrected.time_of_day >= prices.daily_from and corrected.time_of_day < prices.daily_until)
            )
            and corrected.total_input_tokens > prices.above_input_tokens
            and (prices.up_to_input_tokens is null or corrected.total_input_tokens <= prices.up_to_input_tokens)
    {{ worked_out_once() }}
),

-- A part is NULL where it has units and no price. Where usage is a total alone, it tells the cost if all tokens are of
-- one price, or nothing; a call that failed without usage costs nothing.
listed as (
    select
        booked.*,
        case
            when booked.price_source is null then null
            when not booked.is_without_parts
                then case when booked.input_tokens = 0 then 0 else booked.input_tokens * booked.input_price_usd end
            when booked.total_tokens > 0
                then
                    case
                        when coalesce(booked.output_price_usd, booked.input_price_usd) = booked.input_price_usd
                            then booked.total_tokens * booked.input_price_usd
                    end
            when coalesce(booked.kept_cost_usd, 0) <> 0 then null
            when booked.is_error or coalesce(booked.input_price_usd, booked.output_price_usd) is null then 0
        end as list_input_usd,
        case
            when booked.cached_input_tokens = 0 then 0
            else booked.cached_input_tokens * booked.cached_input_price_usd
        end as list_cached_input_usd,
        case
            when booked.cache_write_tokens = 0 then 0
            when booked.hour_write_tokens = 0 then booked.cache_write_tokens * booked.cache_write_price_usd
            else
                (booked.cache_write_tokens - booked.hour_write_tokens) * booked.cache_write_price_usd
                + booked.hour_write_tokens * (booked.other_prices_usd ->> 'cache_write_1h')::numeric
        end as list_cache_write_usd,
        case when booked.output_tokens = 0 then 0 else booked.output_tokens * booked.output_price_usd end
            as list_output_usd,
        case
            when booked.request_price_usd is null or (booked.is_error and booked.is_without_parts) then 0
            else booked.request_price_usd
        end as list_request_usd,
        coalesce(others.list_usd, 0) as list_other_usd,
        coalesce(others.is_priced, true) as is_other_priced,
        others.costs_usd as net_other_costs_usd
    from booked
    cross join
        lateral (
            select
                sum(units.list_usd) as list_usd,
                bool_and(units.list_usd is not null) as is_priced,
                jsonb_object_agg(units.usage_type, trim_scale(units.list_usd * booked.share_paid))
                filter (where units.list_usd <> 0) as costs_usd
            from (
                select
                    usage.usage_type,
                    -- What is no token and has no price adds what Langfuse recorded for it.
                    coalesce(
                        usage.units::numeric * (booked.other_prices_usd ->> usage.usage_type)::numeric,
                        case
                            when
                                usage.usage_type in (
                                    select usage_types.usage_type from usage_types
                                    where not usage_types.is_token
                                )
                                then coalesce((booked.recorded_other_costs_usd ->> usage.usage_type)::numeric, 0)
                        end
                    ) as list_usd
                from jsonb_each_text(booked.other_usage) as usage (usage_type, units)
                where usage.usage_type <> 'cache_write_1h'
                {{ worked_out_once() }}
            ) as units
        ) as others
    {{ worked_out_once() }}
),

totalled as (
    select
        listed.*,
        case
            when not listed.is_other_priced then null
            when listed.is_unbilled and listed.price_source is not null then 0
            else
                listed.list_input_usd
                + listed.list_cached_input_usd
                + listed.list_cache_write_usd
                + listed.list_output_usd
                + listed.list_request_usd
                + listed.list_other_usd
        end as list_usd
    from listed
    {{ worked_out_once() }}
),

-- What a dollar of the list price costs in the end; NULL where the recorded cost stands.
billed as (
    select
        totalled.*,
        case
            when totalled.list_usd is null then null
            when totalled.is_unbilled then 0
            else totalled.share_paid
        end as share,
        case when totalled.is_unbilled then 0 else 1 end as recorded_share
    from totalled
),

final as (
    select
        -- ids
        {{ key | join(",\n        ") }},

        -- text
        model,
        coalesce(canonical_model, 'unknown') as canonical_model,
        coalesce(provider, 'unknown') as provider,
        service_tier,

        -- booleans
        is_counted,
        not_counted_reason,

        -- usage
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        other_usage,

        -- cost
        recorded_cost_usd,
        trim_scale(list_usd) as list_cost_usd,
        trim_scale(coalesce(list_usd * share, kept_cost_usd, 0)) as cost_usd,
        case
            when list_usd is not null then price_basis
            when recorded_cost_usd is not null then 'recorded'
            else 'none'
        end as cost_basis,
        case when list_usd is not null then price_source end as price_source,
        trim_scale(coalesce(list_input_usd * share, recorded_input_cost_usd * recorded_share)) as input_cost_usd,
        trim_scale(coalesce(list_cached_input_usd * share, recorded_cached_input_cost_usd * recorded_share))
            as cached_input_cost_usd,
        trim_scale(coalesce(list_cache_write_usd * share, recorded_cache_write_cost_usd * recorded_share))
            as cache_write_cost_usd,
        trim_scale(coalesce(list_output_usd * share, recorded_output_cost_usd * recorded_share)) as output_cost_usd,
        case
            when is_unbilled then null
            when list_usd is null then recorded_other_costs_usd
            when list_request_usd = 0 then net_other_costs_usd
            else
                coalesce(net_other_costs_usd, '{}')
                || jsonb_build_object('request', trim_scale(list_request_usd * share))
        end as other_costs_usd,
        case
            when cached_input_tokens = 0 and cache_write_tokens = 0 then 0
            when list_usd is not null
                then
                    trim_scale(
                        share * (
                            coalesce(cached_input_tokens * input_price_usd - list_cached_input_usd, 0)
                            + coalesce(cache_write_tokens * input_price_usd - list_cache_write_usd, 0)
                        )
                    )
            else
                recorded_share * (
                    coalesce(
                        case
                            when recorded_cached_input_cost_usd > 0
                                then
                                    trim_scale(
                                        round(
                                            cached_input_tokens * recorded_input_price_usd
                                            - recorded_cached_input_cost_usd, 12
                                        )
                                    )
                        end, 0
                    )
                    + coalesce(
                        case
                            when recorded_cache_write_cost_usd > 0
                                then
                                    trim_scale(
                                        round(
                                            cache_write_tokens * recorded_input_price_usd
                                            - recorded_cache_write_cost_usd, 12
                                        )
                                    )
                        end, 0
                    )
                )
        end as cached_savings_usd
    from billed
)

select * from final
