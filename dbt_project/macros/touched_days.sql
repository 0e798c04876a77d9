{# In each of these, `ref` stands outside of the condition: dbt reads dependencies once, when it parses. #}

{# Delete the days that this build computes anew; a day that lost all its rows stays empty. Carried days stay. #}
{% macro delete_touched_days(day_column) -%}
    {% set days, carried = ref("int_days_touched"), is_carried(day_column) -%}
    {% if is_incremental() -%}
    delete from {{ this }} where {{ day_column }} in (select reporting_day from {{ days }}) and not {{ carried }}
    {%- endif %}
{%- endmacro %}

{# The days of an upstream table that a roll-up reads: only touched ones, or all where the roll-up is made whole; never
   those that are carried over, unless the roll-up is new and there is nothing to carry. #}
{% macro only_touched_days(day_column) -%}
    {% set days, carried = ref("int_days_touched"), is_carried(day_column) -%}
    {% if is_incremental() -%}
    {{ day_column }} in (select days.reporting_day from {{ days }} as days) and not {{ carried }}
    {%- elif published_mart() -%}
    not {{ carried }}
    {%- else -%}
    true
    {%- endif %}
{%- endmacro %}

{# Lets a test say `where: usage_date in __touched_days__`, so that checking a build costs what is new in it: days that are
   read first lead to the rows by the index, also through a view whose rows the planner cannot count. #}
{% macro get_where_subquery(relation) -%}
    {% set where = config.get("where") %}
    {% if where %}
        {% set touched = "(select reporting_day from intermediate.int_days_touched)" %}
        {% set condition = where | replace("in __touched_days__", "= any(array" ~ touched ~ ")") %}
        (select * from {{ relation }} where {{ condition | replace("__touched_days__", touched) }}) as dbt_subquery
    {% else %}
        {{ relation }}
    {% endif %}
{%- endmacro %}
