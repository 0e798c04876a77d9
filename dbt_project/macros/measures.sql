{# The additive measures, summed from calls; only counted calls may come in. #}
{% macro sum_of_calls() -%}
    count(*) as calls,
    count(*) filter (where is_error) as errors,
    {{ sum_of_tokens() }},
    sum(cost_usd) as cost_usd
{%- endmacro %}

{% macro sum_of_measures() -%}
    sum(calls)::bigint as calls,
    sum(errors)::bigint as errors,
    {{ sum_of_tokens() }},
    sum(cost_usd) as cost_usd
{%- endmacro %}

{% macro sum_of_tokens() -%}
    sum(input_tokens)::bigint as input_tokens,
    sum(cached_input_tokens)::bigint as cached_input_tokens,
    sum(cache_write_tokens)::bigint as cache_write_tokens,
    sum(total_input_tokens)::bigint as total_input_tokens,
    sum(output_tokens)::bigint as output_tokens,
    sum(total_tokens)::bigint as total_tokens
{%- endmacro %}

{# An exact percentile of milliseconds, to the microsecond; NULL where nothing was measured. #}
{% macro percentile(fraction, column) -%}
    trim_scale(round((percentile_cont({{ fraction }}) within group (order by {{ column }}))::numeric, 3))
{%- endmacro %}

{# Two CTEs: the units of other_usage summed by cell and usage type, and other_types, which has them as one object again. #}
{% macro sum_of_other_usage(rows, cell) -%}
other_sums as (
    select
        {{ cell | join(",\n        ") }},
        used.usage_type,
        sum(used.units::numeric) as units
    from {{ rows }}
    cross join lateral jsonb_each_text({{ rows }}.other_usage) as used (usage_type, units)
    where {{ rows }}.other_usage is not null
    group by {{ cell | join(", ") }}, used.usage_type
),

other_types as (
    select
        {{ cell | join(",\n        ") }},
        jsonb_object_agg(usage_type, trim_scale(units)) as other_usage
    from other_sums
    group by {{ cell | join(", ") }}
)
{%- endmacro %}
