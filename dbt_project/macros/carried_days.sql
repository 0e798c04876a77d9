{# Days that raw no longer holds whole are carried over from the published build, never computed again: of each project
   those before int_projects_carried.carried_before_date. #}

{# The reporting day of a moment, where int_projects_carried is joined by project. A change of the time zone must not
   move a moment over the border: then it would be lost, or stand twice. #}
{% macro reporting_day(moment) -%}
    case
            when {{ moment }} >= carried_before_at then greatest({{ local_day(moment) }}, carried_before_date)
            when {{ moment }} < carried_before_at then least({{ local_day(moment) }}, carried_before_date - 1)
            else {{ local_day(moment) }}
        end
{%- endmacro %}

{# Whether a row with `instance`, `project_id` and this day is carried over. #}
{% macro is_carried(day) -%}
    exists (
        select from {{ ref("int_projects_carried") }}
        where carried_instance = instance and carried_project_id = project_id and {{ day }} < carried_before_date
    )
{%- endmacro %}

{# A mart, this one if none is named, as readers see it now; none before the first build is published, and in a unit
   test. #}
{% macro published_mart(name=none) -%}
    {{ return(standing_mart("marts", name or this.identifier)) }}
{%- endmacro %}

{# A mart as the last build left it in the slot that this one writes to, by its name: a model that comes before the
   marts cannot refer to them. #}
{% macro slot_mart(name) -%}
    {{ return(standing_mart("marts_next", name)) }}
{%- endmacro %}

{% macro standing_mart(schema, name) -%}
    {% if execute and name -%}
        {% set found = run_query("select to_regclass('" ~ schema ~ "." ~ name ~ "') is not null") -%}
        {% set mart = api.Relation.create(database=this.database, schema=schema, identifier=name) -%}
        {{ return(mart if found.rows[0][0] else none) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# Hook of a mart that is made whole: take the carried days from the published build. A column that it lacks is NULL
   there, or what stands for nothing where the contract wants a value. `is_before` says which days are carried. #}
{% macro carry_days_over(day_column, is_before=none) -%}
    {% set carried = ref("int_projects_carried").render() -%}
    {% set published = published_mart() if should_full_refresh() -%}
    {% if published -%}
    {% set known = adapter.get_columns_in_relation(published) | map(attribute="name") | list -%}
    insert into {{ this }} ({% for name in model.columns %}{{ adapter.quote(name) }}{{ ", " if not loop.last }}{% endfor %})
    select
        {% for name, column in model.columns.items() -%}
        {{ carried_value(column, name in known) }}{{ "," if not loop.last }}
        {% endfor -%}
    from {{ published }} as published
    inner join {{ carried }}
        on
            published.instance = carried_instance
            and published.project_id = carried_project_id
            and {{ is_before or 'published.' ~ day_column ~ ' < carried_before_date' }};
    {{ analyze_this() }}
    {%- endif %}
{%- endmacro %}

{% macro carried_value(column, is_known) -%}
    {%- set nothing = {
        "text": "'unknown'", "text[]": "'{}'", "jsonb": "'{}'", "boolean": "false",
        "bigint": "0", "integer": "0", "numeric": "0",
    } -%}
    {%- set value = "published." ~ adapter.quote(column.name) ~ "::" ~ column.data_type if is_known else "null" -%}
    {%- if "not_null" not in column.constraints | map(attribute="type") | map("string") | join(" ") | lower -%}
    {{ value }}
    {%- elif column.data_type in nothing -%}
    coalesce({{ value }}, {{ nothing[column.data_type] }})
    {%- else -%}
    {{ value }}
    {%- endif -%}
{%- endmacro %}

{# Whether a row's key stands on a carried day already: a row whose time moved over the border, or what came late for a
   trace that began before it. In an incremental build it is a look-up in the index, however long the history is. #}
{% macro stands_on_a_carried_day(outer_name, keys, day_column) -%}
    {%- set carried = ref("int_projects_carried") -%}
    {%- set mart = this if is_incremental() else published_mart() -%}
    {%- if mart -%}
    {{ has_carried_row(mart, outer_name, keys, day_column, is_incremental()) }}
    {%- else -%}
    false
    {%- endif -%}
{%- endmacro %}

{# Ids of raw are compared byte by byte, those of marts by the database's order: an index serves its own order alone. #}
{% macro has_carried_row(mart, outer_name, keys, day_column, by_index=true) -%}
    (
        exists (select from {{ ref("int_projects_carried") }})
        and exists (
            select from {{ mart }} as standing
            inner join {{ ref("int_projects_carried") }}
                on
                    standing.instance = carried_instance
                    and standing.project_id = carried_project_id
                    and standing.{{ day_column }} < carried_before_date
            where
                {%- for key in keys %}
                {{ "and " if not loop.first }}standing.{{ key }} = {{ outer_name }}.{{ key }} collate "default"
                {%- endfor %}
            {{ "offset 0" if by_index }}
        )
    )
{%- endmacro %}
