{# Reporting days and hours are local to the time zone in the variable `timezone`. #}
{% macro local_day(moment) -%}
    ({{ moment }} at time zone '{{ var("timezone") }}')::date
{%- endmacro %}

{# When the hour on the clock began; where the clock changes within an hour, that is when it changed. The zones of two
   islands do so, at that minute of the hour; elsewhere it changes between hours. #}
{% macro local_hour(moment) -%}
    {%- set minutes = {
        "Australia/Lord_Howe": 30, "Australia/LHI": 30, "Pacific/Chatham": 45, "NZ-CHAT": 45
    }.get(var("timezone")) -%}
    {%- set hour = "date_trunc('hour', " ~ moment ~ ", '" ~ var("timezone") ~ "')" -%}
    {%- if minutes -%}
    case
            when {{ hour }} at time zone '{{ var("timezone") }}'
                = date_trunc('hour', {{ moment }} at time zone '{{ var("timezone") }}') then {{ hour }}
            else {{ hour }} + interval '{{ minutes }} minutes'
        end
    {%- else -%}
    {{ hour }}
    {%- endif -%}
{%- endmacro %}

{# The first moment of a day. Where the clock is set back to midnight, as in Havana and on the Azores, there are two
   midnights, and PostgreSQL takes the second. #}
{% macro day_starts_at(day) -%}
    {%- set midnight = "(" ~ day ~ "::timestamp at time zone '" ~ var("timezone") ~ "')" -%}
    ({{ midnight }} - case
            when {{ local_day("(" ~ midnight ~ " - interval '1 hour')") }} = {{ day }} then interval '1 hour'
            else interval '0 hours'
        end)
{%- endmacro %}
