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
