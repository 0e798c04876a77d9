{# One name for a Langfuse model definition of the same content, in whatever project it stands. #}
{% macro definition_key() -%}
    md5(
            jsonb_build_array(
                model_name, match_pattern, starts_at, is_langfuse_managed, pricing_tiers, input_price_usd,
                output_price_usd, total_price_usd
            )::text
        )
{%- endmacro %}

{# One name for an entry of a catalogue: its rows share what they are for. #}
{% macro entry_key() -%}
    md5(jsonb_build_array(catalogue, price_ref, served_by, model, model_pattern)::text)
{%- endmacro %}

{# The prices of a source, {usage type: price of a unit}, with those that it leaves out: a kind of input without a price
   of its own costs what input costs, a kind of output what output costs. Where only `total` has a price, all cost it. #}
{% macro with_price_fallbacks(prices) -%}
    {%- set fallbacks = {
        "cached_input": ["input"], "cache_write": ["input"], "cache_write_1h": ["cache_write", "input"],
        "tool_input": ["input"], "audio_input": ["input"], "image_input": ["input"], "video_input": ["input"],
        "cached_audio_input": ["cached_input", "input"], "cached_image_input": ["cached_input", "input"],
        "reasoning": ["output"], "audio_output": ["output"], "image_output": ["output"], "video_output": ["output"],
    } -%}
    jsonb_strip_nulls(
            jsonb_build_object(
                'input', case when not {{ prices }} ? 'output' then {{ prices }} -> 'total' end,
                'output', case when not {{ prices }} ? 'input' then {{ prices }} -> 'total' end,
                {%- for usage_type, others in fallbacks.items() %}
                '{{ usage_type }}', coalesce(
                    {%- for other in others %}{{ prices }} -> '{{ other }}', {% endfor -%}
                    case when not {{ prices }} ?| '{input,output}' then {{ prices }} -> 'total' end
                ){{ "," if not loop.last }}
                {%- endfor %}
            )
        ) || ({{ prices }} - 'total')
{%- endmacro %}

{# Pieces that lie side by side along one dimension and are alike in all others become one. #}
{% macro joined_pieces(pieces, from_column, until_column, alike) -%}
    select
        {{ alike | join(",\n        ") }},
        min({{ from_column }}) as {{ from_column }},
        max({{ until_column }}) as {{ until_column }}
    from (
        select
            marked.*,
            sum(case when last_until = {{ from_column }} then 0 else 1 end) over (
                partition by {{ alike | join(", ") }} order by {{ from_column }}
            ) as piece_number
        from (
            select
                {{ pieces }}.*,
                lag({{ until_column }}) over (
                    partition by {{ alike | join(", ") }} order by {{ from_column }}
                ) as last_until
            from {{ pieces }}
        ) as marked
    ) as numbered
    group by {{ alike | join(", ") }}, piece_number
{%- endmacro %}

{# No call has more tokens of input. #}
{% macro most_tokens() -%}
    9223372036854775807
{%- endmacro %}

{# A model's price list as one text: the planner takes five keys together for far more telling than they are. #}
{% macro name_of_list(model_table, list_table) -%}
    concat_ws(
            chr(31), {{ model_table }}.instance, {{ model_table }}.project_id, {{ model_table }}.model,
            {{ list_table }}.price_source, {{ list_table }}.price_ref
        )
{%- endmacro %}

{# At the end of a step: its figures are worked out once there, not wherever a later step names them. #}
{% macro worked_out_once() -%}
    offset 0
{%- endmacro %}
