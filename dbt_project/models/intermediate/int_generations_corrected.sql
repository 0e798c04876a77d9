{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id", "observation_id"], "unique": true}]) }}

{% set repeating_keys = text_array(court_evidence("repeating_keys")) %}
{% set inclusive_keys = court_evidence("inclusive_keys") %}
{% set inclusive_instrumentations = text_array(court_evidence("inclusive_instrumentations")) %}

with

generations as (
    select * from {{ ref("int_generations_measured") }}
),

-- The stated total is less than the sum of the parts, or the names of the parts say that one holds another.
suspected as (
    select *
    from generations
    where
        {{ rule_is_on("cached_inside_input") }}
        and not is_synthetic_root
        and (
            sum_of_tokens > stated_total_tokens
            or jsonb_exists_any(usage_details, {{ text_array(inclusive_keys | map("last") | list) }})
            or jsonb_exists_any(usage_details, {{ repeating_keys }})
            or instrumentation = any({{ inclusive_instrumentations }})
        )
),

-- What a provider tells in detail, input and output hold already.
detailed as (
    select
        suspected.*,
        repeated.units as repeated_tokens,
        repeated.cost_usd as repeated_cost_usd,
        suspected.sum_of_tokens - repeated.units - suspected.stated_total_tokens as excess_tokens,
        suspected.sum_of_tokens
        - suspected.input_tokens - suspected.cached_input_tokens - suspected.cache_write_tokens
        - suspected.other_input_tokens - suspected.output_tokens - repeated.units as other_output_tokens,
        least(
            greatest(
                {%- for whole, part in inclusive_keys %}
                case
                    when suspected.usage_details ? {{ sql_text(whole) }}
                        then (suspected.usage_details ->> {{ sql_text(part) }})::numeric::bigint
                end,
                {%- endfor %}
                case
                    when suspected.instrumentation = any({{ inclusive_instrumentations }})
                        then suspected.cached_input_tokens + suspected.cache_write_tokens
                end,
                0
            ),
            suspected.cached_input_tokens + suspected.cache_write_tokens
        ) as named_tokens
    from suspected
    cross join lateral (
        select
            coalesce(sum((suspected.other_usage ->> keys.usage_key)::bigint), 0)::bigint as units,
            coalesce(sum((suspected.recorded_other_costs_usd ->> keys.usage_key)::numeric), 0) as cost_usd
        from unnest({{ repeating_keys }}) as keys (usage_key)
    ) as repeated
),

-- The parts that the total leaves out, to the token: the fewest that explain it.
proved as (
    select
        detailed.*,
        parts.inside_input_tokens is not null as is_proved,
        coalesce(
            parts.inside_input_tokens,
            case when detailed.named_tokens <= detailed.input_tokens then detailed.named_tokens end,
            0
        ) as inside_input_tokens,
        coalesce(parts.inside_output_tokens, 0) as inside_output_tokens
    from detailed
    left join lateral (
        select
            held.cached * detailed.cached_input_tokens
            + held.written * detailed.cache_write_tokens
            + held.other_input * detailed.other_input_tokens as inside_input_tokens,
            held.other_output * detailed.other_output_tokens as inside_output_tokens
        from (
            select
                cached,
                written,
                other_output,
                other_input
            from generate_series(0, 1) as cached
            cross join generate_series(0, 1) as written
            cross join generate_series(0, 1) as other_output
            cross join generate_series(0, 1) as other_input
        ) as held
        where
            detailed.excess_tokens > 0
            and held.cached * detailed.cached_input_tokens
            + held.written * detailed.cache_write_tokens
            + held.other_input * detailed.other_input_tokens
            + held.other_output * detailed.other_output_tokens = detailed.excess_tokens
            and held.cached * detailed.cached_input_tokens
            + held.written * detailed.cache_write_tokens
            + held.other_input * detailed.other_input_tokens <= detailed.input_tokens
            and held.other_output * detailed.other_output_tokens <= detailed.output_tokens
        order by
            held.cached + held.written + held.other_output + held.other_input,
            held.cached desc, held.written desc, held.other_output desc
        limit 1
    ) as parts on true
),

corrected as (
    select
        -- ids
        instance,
        project_id,
        trace_id,
        observation_id,

        -- text
        concat_ws(
            ' ',
            case
                when is_proved
                    then format(
                        'The stated total of %s tokens is %s less than the sum of its parts.',
                        stated_total_tokens, sum_of_tokens - stated_total_tokens
                    )
                when inside_input_tokens > 0 then 'Whoever recorded it counts cached tokens inside the input.'
            end,
            case
                when inside_input_tokens > 0
                    then format(
                        'The input of %s tokens holds %s that stand beside it as well, so %s count as uncached.',
                        input_tokens, inside_input_tokens, input_tokens - inside_input_tokens
                    )
            end,
            case
                when inside_output_tokens > 0
                    then format(
                        'The output of %s tokens holds %s that stand beside it as well, so %s count as plain output.',
                        output_tokens, inside_output_tokens, output_tokens - inside_output_tokens
                    )
            end,
            case
                when repeated_tokens > 0
                    then format('%s tokens are details of what input and output hold already.', repeated_tokens)
            end
        ) as explanation,

        -- numerics
        inside_input_tokens,
        inside_output_tokens,
        input_tokens - inside_input_tokens as input_tokens,
        output_tokens - inside_output_tokens as output_tokens,
        least(
            total_tokens, sum_of_tokens - inside_input_tokens - inside_output_tokens - repeated_tokens
        ) as total_tokens,
        nullif(other_usage - {{ repeating_keys }}, '{}') as other_usage,
        -trim_scale(round(
            case
                when recorded_cost_usd is not null
                    then
                        repeated_cost_usd
                        + coalesce(recorded_input_cost_usd * inside_input_tokens / nullif(input_tokens, 0), 0)
                        + coalesce(recorded_output_cost_usd * inside_output_tokens / nullif(output_tokens, 0), 0)
                else 0
            end, 12
        )) as recorded_cost_correction_usd
    from proved
    where inside_input_tokens + inside_output_tokens + repeated_tokens > 0
)

select * from corrected
