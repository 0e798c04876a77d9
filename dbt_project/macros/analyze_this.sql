{# Models that read a table in the same build are planned by its statistics; autovacuum would come too late. #}
{% macro analyze_this() -%}
    {% if model.config.materialized in ("table", "incremental") %}analyze {{ this }}{% endif %}
{%- endmacro %}
