{# Delete the months of the days that this build computes anew; they are summed again from all of their days. #}
{% macro delete_touched_months(month_column) -%}
    {% set days = ref("int_days_touched") -%}
    {% if is_incremental() -%}
    delete from {{ this }}
    where {{ month_column }} in (select date_trunc('month', reporting_day)::date from {{ days }})
    {%- endif %}
{%- endmacro %}

{# For a lateral join: the rows of a month. `offset 0` keeps it a look-up in the index. #}
{% macro rows_of_month(inner_name, day_column, month) -%}
    lateral (
        select inner_rows.*
        from {{ inner_name }} as inner_rows
        where
            inner_rows.{{ day_column }} >= {{ month }}
            and inner_rows.{{ day_column }} < {{ month }} + interval '1 month'
        offset 0
    )
{%- endmacro %}
