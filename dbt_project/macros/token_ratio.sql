{# The least or the most tokens that a candidate may count where the current model counted one: the variable
   `token_ratios`; a pair of providers goes before the rest. #}
{% macro token_ratio(bound, current_provider, candidate_provider) -%}
    {%- set ratios = var("token_ratios") -%}
    case
            {%- for pair in ratios["pairs"] %}
            when {{ current_provider }} = {{ sql_text(pair["from"]) }} and {{ candidate_provider }} = {{ sql_text(pair["to"]) }}
                then '{{ pair[bound] }}'::numeric
            {%- endfor %}
            when {{ current_provider }} = {{ candidate_provider }} then '{{ ratios["same_provider"][bound] }}'::numeric
            else '{{ ratios["other_provider"][bound] }}'::numeric
        end
{%- endmacro %}
