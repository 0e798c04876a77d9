{# For a lateral join: the rows that share the outer row's key; `since`, a column and a value, leaves out those before.
   `offset 0` keeps it a look-up in the index, for the planner cannot know how few outer rows there are. #}
{% macro rows_by_key(inner_name, outer_name, keys, since=none) -%}
    lateral (
        select inner_rows.*
        from {{ inner_name }} as inner_rows
        where
            {%- for key in keys %}
            {{ "and " if not loop.first }}inner_rows.{{ key }} = {{ outer_name }}.{{ key }}
            {%- endfor %}
            {{ "and inner_rows." ~ since.column ~ " >= " ~ since.value if since }}
        offset 0
    )
{%- endmacro %}

{# The same for a range of time within a project: the rows of one touched day. #}
{% macro rows_of_day(inner_name, moment_column) -%}
    lateral (
        select inner_rows.*
        from {{ inner_name }} as inner_rows
        where
            inner_rows.instance = projects.instance
            and inner_rows.project_id = projects.project_id
            and inner_rows.{{ moment_column }} >= days.starts_at
            and inner_rows.{{ moment_column }} < days.ends_at
        offset 0
    )
{%- endmacro %}

{# The rows of one touched day of all projects, from a table that is partitioned by month: only the month or two that
   hold the day are looked at. #}
{% macro rows_of_months(inner_name, moment_column) -%}
    lateral (
        select inner_rows.*
        from {{ inner_name }} as inner_rows
        where
            inner_rows.start_month >= days.first_month
            and inner_rows.start_month <= days.last_month
            and inner_rows.{{ moment_column }} >= days.starts_at
            and inner_rows.{{ moment_column }} < days.ends_at
        offset 0
    )
{%- endmacro %}
