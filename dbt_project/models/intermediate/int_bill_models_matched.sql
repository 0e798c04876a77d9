with

lines as (
    select * from {{ ref("stg_providers__bill_lines") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

names as (
    select distinct
        model,
        null::text as canonical_model,
        true as is_billed
    from lines
    where model is not null
    union all
    select
        model,
        canonical_model,
        false as is_billed
    from models
    union all
    select distinct
        canonical_model as model,
        canonical_model,
        false as is_billed
    from models
),

slugs as (
    select
        *,
        btrim(regexp_replace(lower(model), '[^a-z0-9]+', '-', 'g'), '-') as slug
    from names
),

dateless as (
    select
        *,
        regexp_replace(slug, '-(20\d{6}|20\d\d-\d\d-\d\d)$', '') as undated
    from slugs
),

-- `Claude Haiku 4.5` is claude-haiku-4-5; words may stand in another order, and one of both may lack its date.
words as (
    select
        *,
        (select string_agg(word, '-' order by word) from regexp_split_to_table(undated, '-') as word) as sorted_words
    from dateless
),

matched as (
    select distinct on (billed.model)
        billed.model,
        own.canonical_model
    from words as billed
    inner join words as own on billed.sorted_words = own.sorted_words
    where billed.is_billed and not own.is_billed
    order by
        billed.model asc,
        billed.model = own.model desc,
        billed.slug = own.slug desc,
        billed.undated = own.undated desc,
        length(own.model) asc,
        own.model asc
)

select * from matched
