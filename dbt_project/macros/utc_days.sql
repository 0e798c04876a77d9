{# Days as Langfuse and providers count them. They are built anew with the reporting days that they lie in, and carried
   over where their begin lies before a project's border. In each of these, `ref` stands outside of the condition. #}
{% macro utc_day_starts_at(day) -%}
    ({{ day }}::timestamp at time zone 'UTC')
{%- endmacro %}

{% macro is_utc_day_carried(day) -%}
    exists (
        select from {{ ref("int_projects_carried") }}
        where
            carried_instance = instance
            and carried_project_id = project_id
            and {{ utc_day_starts_at(day) }} < carried_before_at
    )
{%- endmacro %}

{% macro delete_touched_utc_days(day_column) -%}
    {% set days, carried = ref("int_utc_days_touched"), is_utc_day_carried(day_column) -%}
    {% if is_incremental() -%}
    delete from {{ this }} where {{ day_column }} in (select utc_date from {{ days }}) and not {{ carried }}
    {%- endif %}
{%- endmacro %}

{% macro only_computed_utc_days(day_column) -%}
    {% set carried = is_utc_day_carried(day_column) -%}
    {{ "not " ~ carried if is_incremental() or published_mart() else "true" }}
{%- endmacro %}

{% macro carry_utc_days_over(day_column) -%}
    {{ carry_days_over(day_column, utc_day_starts_at("published." ~ day_column) ~ " < carried_before_at") }}
{%- endmacro %}
