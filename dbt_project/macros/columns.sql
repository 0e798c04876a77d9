{# The columns, each with the name of the table that they come from. #}
{% macro columns_of(table_name, columns) -%}
    {%- for column in columns -%}
    {{ table_name }}.{{ column }}{{ ",\n        " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# A join's condition: both tables agree on every column. #}
{% macro same(left_name, right_name, columns) -%}
    {%- for column in columns -%}
    {{ left_name }}.{{ column }} = {{ right_name }}.{{ column }}{{ "\n            and " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
