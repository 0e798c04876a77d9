{# Reporting days and hours are local to the time zone in the variable `timezone`. #}
{% macro local_day(moment) -%}
    ({{ moment }} at time zone '{{ var("timezone") }}')::date
{%- endmacro %}

{% macro local_hour(moment) -%}
    date_trunc('hour', {{ moment }}, '{{ var("timezone") }}')
{%- endmacro %}

{% macro day_starts_at(day) -%}
    ({{ day }}::timestamp at time zone '{{ var("timezone") }}')
{%- endmacro %}
