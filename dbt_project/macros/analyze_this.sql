{# Models that read a table in the same build are planned by its statistics; autovacuum would come too late. What a build
   adds to a table changes little but where its days end, so then only the columns that lead to rows are looked at. #}
{% macro analyze_this() -%}
    {% if model.config.materialized in ("table", "incremental") -%}
    {% set leading = [] -%}
    {% for index in model.config.indexes or [] if is_incremental() %}{% do leading.extend(index["columns"]) %}{% endfor -%}
    analyze {{ this }}{{ " (" ~ leading | unique | join(", ") ~ ")" if leading }}
    {%- endif %}
{%- endmacro %}
