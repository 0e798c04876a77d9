{# What a call's metadata says of a thing, at the first of the places in the variable `evidence` that says anything; each
   place is the keys that lead to it, which the v4 API joins by dots. Values that were sent JSON-encoded lose their
   quotes. #}
{% macro evidence(thing) -%}
    {%- set places = var("evidence")[thing] -%}
    {%- if places -%}
    nullif(btrim(coalesce(
        {%- for keys in places %}
        {% if keys | length > 1 -%}
        metadata #>> array[
            {%- for key in keys %}{{ sql_text(key) }}{{ ", " if not loop.last }}{% endfor -%}
        ],
        {% endif -%}
        metadata ->> {{ sql_text(keys | join(".")) }}{{ "," if not loop.last }}
        {%- endfor %}
    ), ' "'), '')
    {%- else -%}
    null::text
    {%- endif -%}
{%- endmacro %}

{# The tier that a call was served in, in lower case; NULL is the standard one. What the answer says goes before what was
   asked for. #}
{% macro service_tier() -%}
    {%- set said -%}
    lower(coalesce(
            {{ evidence("service_tier") }},
            nullif(model_parameters ->> 'service_tier', ''),
            nullif(model_parameters ->> 'speed', '')
        ))
    {%- endset -%}
    case when {{ said }} not in ('standard', 'default', 'auto', 'on_demand') then {{ said }} end
{%- endmacro %}
