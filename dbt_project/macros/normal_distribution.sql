{# The share of a normal distribution below z, within 0.0000001: Abramowitz and Stegun, 26.2.17. erf() would want
   PostgreSQL 16. Beyond 8 standard deviations it is 0 or 1. #}
{% macro normal_share_below(z) -%}
    case
            when {{ z }} >= 8 then 1
            when {{ z }} <= -8 then 0
            when {{ z }} >= 0 then 1 - {{ _normal_tail(z) }}
            else {{ _normal_tail(z) }}
        end
{%- endmacro %}

{% macro _normal_tail(z) -%}
    {%- set t = "(1 / (1 + 0.2316419 * abs(" ~ z ~ ")))" -%}
    0.3989422804 * exp(-({{ z }}) * ({{ z }}) / 2) * (
        0.319381530 * {{ t }} - 0.356563782 * {{ t }} ^ 2 + 1.781477937 * {{ t }} ^ 3
        - 1.821255978 * {{ t }} ^ 4 + 1.330274429 * {{ t }} ^ 5
    )
{%- endmacro %}
