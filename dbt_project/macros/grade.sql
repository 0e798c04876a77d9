{# The letter of a quality between 0 and 1, by the thresholds in the variable `grades`. #}
{% macro grade(quality) -%}
    case
            when {{ quality }} is null then null
            {%- for letter, threshold in var("grades").items() %}
            when {{ quality }} >= {{ threshold }} then '{{ letter }}'
            {%- endfor %}
            else 'F'
        end
{%- endmacro %}
