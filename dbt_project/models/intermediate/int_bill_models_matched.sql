with

lines as (
    select * from {{ ref("stg_providers__bill_lines") }}
),

models as (
    select * from {{ ref("int_models_canonical") }}
),

billed_names as (
    select distinct model
    from lines
    where model is not null
),

-- `Claude Haiku 4.5` is claude-haiku-4-5; words may stand in another order, and one of both may lack its date.
billed_keys as (
    select
        billed_names.model,
        keys.*
    from billed_names
    cross join lateral ({{ model_name_keys("billed_names.model") }}) as keys
),

own_names as (
    select model as own_name, canonical_model from models
    union
    select canonical_model as own_name, canonical_model from models
),

own_keys as (
    select
        own_names.own_name,
        own_names.canonical_model,
        keys.*
    from own_names
    cross join lateral ({{ model_name_keys("own_names.own_name") }}) as keys
),

matched as (
    select distinct on (billed_keys.model)
        billed_keys.model,
        own_keys.canonical_model
    from billed_keys
    inner join own_keys on billed_keys.words = own_keys.words
    order by
        billed_keys.model asc,
        billed_keys.model = own_keys.own_name desc,
        billed_keys.slug = own_keys.slug desc,
        billed_keys.dateless = own_keys.dateless desc,
        length(own_keys.own_name) asc,
        own_keys.own_name asc
)

select * from matched
