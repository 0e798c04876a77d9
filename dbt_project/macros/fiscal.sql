{# The first day of the fiscal year that a day lies in; see the variable `fiscal_year_starts_in_month`. #}
{% macro fiscal_year_start(day) -%}
    {%- set months = var("fiscal_year_starts_in_month") | int - 1 -%}
    (date_trunc('year', {{ day }} - interval '{{ months }} months') + interval '{{ months }} months')::date
{%- endmacro %}
