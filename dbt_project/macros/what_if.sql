{# What a workload's tokens cost at `prices`, {usage type: price of a unit}: `list_cost_usd`, and the first type that was
   used and has no price. A kind of input or output without a price of its own has that of input or output. #}
{% macro cost_of_usage(pair, prices) -%}
    select
            case when bool_and(unit.price is not null) then sum(used.units * unit.price) end as list_cost_usd,
            min(used.usage_type) filter (where unit.price is null) as type_without_price
        from (
            values
            ('input', {{ pair }}.input_tokens, 'input'),
            ('cached_input', {{ pair }}.cached_input_tokens, 'input'),
            ('cache_write', {{ pair }}.cache_write_tokens, 'input'),
            ('output', {{ pair }}.output_tokens, 'output'),
            ('request', {{ pair }}.calls, 'request')
            union all
            select
                other.usage_type,
                other.units::numeric,
                case other.usage_type when 'reasoning' then 'output' when 'tool_input' then 'input' end
            from unnest({{ pair }}.other_usages) as usages (other_usage)
            cross join lateral jsonb_each_text(usages.other_usage) as other (usage_type, units)
        ) as used (usage_type, units, kind_of)
        cross join lateral (
            select
                case used.usage_type
                    {# One that is kept for an hour stands in cache_write too: here is what it is dearer by. #}
                    when 'cache_write_1h'
                        then coalesce(
                            ({{ prices }} ->> 'cache_write_1h')::numeric - ({{ prices }} ->> 'cache_write')::numeric, 0
                        )
                    when 'request' then coalesce(({{ prices }} ->> 'request')::numeric, 0)
                    else coalesce(({{ prices }} ->> used.usage_type)::numeric, ({{ prices }} ->> used.kind_of)::numeric)
                end as price
        ) as unit
        where used.units > 0
{%- endmacro %}

{# The last steps of fct_model_recommendations: the difference of quality with its interval, and what speaks against a
   candidate, the first thing first. #}
{% macro weighed_candidates(priced) -%}
{%- set least, tolerance = var("least_scored_traces"), var("quality_tolerance") -%}
compared as (
    select
        *,
        cost_usd * 30 / days_of_data as current_cost_usd,
        candidate_quality - current_quality as quality_difference,
        sqrt(candidate_square_error + current_square_error) * {{ t_quantile(degrees_of_freedom(
            "candidate_square_error", "candidate_scores", "current_square_error", "current_scores"
        )) }} as quality_margin
    from {{ priced }}
),

weighed as (
    select
        *,
        case
            when no_price is not null then no_price
            when unpriced_calls > 0 then 'unknown cost now: ' || unpriced_calls || ' of ' || calls || ' calls have no price'
            when estimated_cost_usd >= current_cost_usd then 'dearer'
            when estimated_cost_usd * most_tokens >= current_cost_usd
                then 'may be dearer: it may count ' || most_tokens || ' times the tokens'
            when candidate_scores = 0 then 'never tried on this workload: 0 scores'
            when candidate_scores < {{ least }} then 'too few scores: ' || candidate_scores || ' of {{ least }}'
            when current_scores < {{ least }}
                then 'too few scores of ' || current_model || ': ' || current_scores || ' of {{ least }}'
            when quality_difference + quality_margin < 0
                then 'quality ' || round(candidate_quality, 2) || ' is worse than ' || round(current_quality, 2)
            when quality_difference - quality_margin < -{{ tolerance }}
                then
                    'quality ' || round(candidate_quality, 2) || ' may be worse than ' || round(current_quality, 2)
                    || ': too few scores to tell, ' || candidate_scores || ' and ' || current_scores
        end as objection
    from compared
),

final as (
    select
        instance,
        project_id,
        project_name,
        department,
        agent,
        prompt_name,
        candidate_model,
        candidate_provider,
        current_model,
        current_provider,
        as_of_date,
        days_of_data,
        calls::bigint as calls,
        trim_scale(round(current_cost_usd, 12)) as current_cost_usd,
        trim_scale(round(estimated_cost_usd, 12)) as estimated_cost_usd,
        trim_scale(round(estimated_cost_usd * least(cheap_day, 1) * fewest_tokens, 12)) as estimated_cost_low_usd,
        trim_scale(round(estimated_cost_usd * greatest(dear_day, 1) * most_tokens, 12)) as estimated_cost_high_usd,
        trim_scale(round(current_cost_usd - estimated_cost_usd, 12)) as saved_usd,
        price_source,
        current_scores,
        candidate_scores,
        trim_scale(round(current_quality, 6)) as current_quality,
        trim_scale(round(candidate_quality, 6)) as candidate_quality,
        trim_scale(round(quality_difference, 6)) as quality_difference,
        trim_scale(round(quality_difference - quality_margin, 6)) as quality_difference_low,
        trim_scale(round(quality_difference + quality_margin, 6)) as quality_difference_high,
        objection is null as is_recommended,
        coalesce(
            objection,
            'saves ' || round(current_cost_usd - estimated_cost_usd, 2) || ' USD in 30 days; quality '
            || round(candidate_quality, 2) || ' against ' || round(current_quality, 2)
        ) as reason
    from weighed
)
{%- endmacro %}
