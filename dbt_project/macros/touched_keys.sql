{# Delete the rows whose key is in a list of touched ones, in a mart whose rows are made of several days; of a mart by
   week only from the first touched week on. #}
{% macro delete_touched_keys(touched, keys, week_column=none) -%}
    {% set first_week = first_touched_week() -%}
    {% if is_incremental() -%}
    delete from {{ this }} as standing
    using {{ touched }} as touched
    where
        {{ same("standing", "touched", keys) }}
        {{ "and standing." ~ week_column ~ " >= " ~ first_week if week_column }}
    {%- endif %}
{%- endmacro %}

{% macro first_touched_week() -%}
    (select date_trunc('week', min(days.reporting_day))::date from {{ ref("int_days_touched") }} as days)
{%- endmacro %}
