{# Models that read a table in the same build are planned by its statistics; autovacuum would come too late. What a build
   adds to a table changes little but where its days end, so then only the columns that lead to rows are looked at, in a
   small sample: pages of a long history have to be fetched from the disk. #}
{% macro analyze_this() -%}
    {% if model.config.materialized in ("table", "incremental") -%}
    {% set leading = [] -%}
    {% for index in model.config.indexes or [] if is_incremental() %}{% do leading.extend(index["columns"]) %}{% endfor -%}
    {{ "set local default_statistics_target = 10;" if is_incremental() }}
    analyze {{ this }}{{ " (" ~ leading | unique | join(", ") ~ ")" if leading }}
    {%- endif %}
{%- endmacro %}
