{# Delete the rows whose key is in a list of touched ones, in a mart whose rows are made of several days. #}
{% macro delete_touched_keys(touched, keys) -%}
    {% if is_incremental() -%}
    delete from {{ this }} as standing
    using {{ touched }} as touched
    where
        {{ same("standing", "touched", keys) }}
    {%- endif %}
{%- endmacro %}
