{# A model's name for comparing: as a slug, without its date, and as sorted words of that. #}
{% macro model_name_keys(name) -%}
    select
        slugs.slug,
        dates.dateless,
        (select string_agg(word, '-' order by word) from regexp_split_to_table(dates.dateless, '-') as word) as words
    from (select btrim(regexp_replace(lower({{ name }}), '[^a-z0-9]+', '-', 'g'), '-') as slug) as slugs
    cross join
        lateral (select regexp_replace(slugs.slug, '-(20\d{6}|20\d\d-\d\d-\d\d)$', '') as dateless) as dates
{%- endmacro %}
