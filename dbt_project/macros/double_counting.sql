{# Whether a rule of the variable `double_counting` is on; one that is not named there is. #}
{% macro rule_is_on(rule) -%}
    {%- set rules = [
        "cached_inside_input", "repeated_by_parent", "recorded_twice", "replayed_cache_hit", "failed_call_billed",
    ] -%}
    {%- for name, value in var("double_counting").items() if name not in rules or value not in [true, false] -%}
    {{ exceptions.raise_compiler_error(
        "The variable double_counting has " ~ name ~ ": " ~ value ~ ". Its rules are " ~ rules | join(", ")
        ~ ", each true or false."
    ) }}
    {%- endfor -%}
    {{ "true" if var("double_counting").get(rule, true) else "false" }}
{%- endmacro %}

{# What a rule takes as evidence, and how much; see the variable `double_counting_evidence`. #}
{% macro court_evidence(name) -%}
    {{ return(var("double_counting_evidence")[name]) }}
{%- endmacro %}

{# Texts as an array. #}
{% macro text_array(values) -%}
    array[{% for value in values %}{{ sql_text(value) }}{{ ", " if not loop.last }}{% endfor %}]::text[]
{%- endmacro %}

{# Whether the time of one call lies inside the other's, but for what clocks and networks differ by. #}
{% macro is_inside_other(one, other) -%}
    {%- set tolerance = "make_interval(secs => " ~ court_evidence("tolerance_seconds") ~ ")" -%}
    (
        (
            {{ one }}.started_at >= {{ other }}.started_at - {{ tolerance }}
            and {{ one }}.finished_at <= {{ other }}.finished_at + {{ tolerance }}
        )
        or (
            {{ other }}.started_at >= {{ one }}.started_at - {{ tolerance }}
            and {{ other }}.finished_at <= {{ one }}.finished_at + {{ tolerance }}
        )
    )
{%- endmacro %}

{# The name by which models are compared: canonical where it is known, without the provider's path. #}
{% macro model_compared(canonical_model, model) -%}
    regexp_replace(lower(coalesce({{ canonical_model }}, {{ model }})), '^.*/', '')
{%- endmacro %}

{# Who recorded a call. LiteLLM's own callback says so by the id that it gives: time-12-30-05-123456_ and the answer's. #}
{% macro recorded_by(prefix="") -%}
    coalesce({{ prefix }}instrumentation, case when starts_with({{ prefix }}observation_id, 'time-') then 'litellm' end)
{%- endmacro %}

{# Whether a cache answered, by the call's own word. #}
{% macro is_from_cache(prefix="") -%}
    (
        {{ prefix }}is_replayed
        {%- for usage_key in court_evidence("replayed_usage_keys") %}
        or coalesce({{ prefix }}usage_details -> {{ sql_text(usage_key) }} = '0', false)
        {%- endfor %}
    )
{%- endmacro %}
