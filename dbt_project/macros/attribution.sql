{% macro sql_text(value) -%}
    '{{ value | replace("'", "''") }}'
{%- endmacro %}

{# One place where a dimension may stand on an observation; see the variable `attribution` in dbt_project.yml. #}
{% macro place_value(place) -%}
    {%- if "metadata" in place -%}
    {# SDK 5 sends values JSON-encoded, and a value cut at 200 characters keeps only its leading quote. #}
    nullif(btrim(metadata ->> {{ sql_text(place["metadata"]) }}, ' "'), '')
    {%- elif "tag_prefix" in place -%}
    case
        when tags <> '{}'
            then (
                select nullif(btrim(substr(tag, {{ place["tag_prefix"] | length + 1 }})), '')
                from unnest(tags) as tag
                where starts_with(tag, {{ sql_text(place["tag_prefix"]) }})
                order by tag
                limit 1
            )
    end
    {%- elif "trace_name" in place -%}
    substring(trace_name from {{ sql_text(place["trace_name"]) }})
    {%- elif "root_of_type" in place -%}
    case
        when is_root and not is_synthetic_root and observation_type = {{ sql_text(place["root_of_type"]) }}
            then observation_name
    end
    {%- else -%}
    {{ exceptions.raise_compiler_error("The variable attribution knows no place such as " ~ place) }}
    {%- endif -%}
{%- endmacro %}

{% macro placed(dimension) -%}
    {%- set places = var("attribution")[dimension] -%}
    {%- if places -%}
    coalesce(
        {%- for place in places %}
        {{ place_value(place) }}{{ "," if not loop.last }}
        {%- endfor %}
    )
    {%- else -%}
    null::text
    {%- endif -%}
{%- endmacro %}
