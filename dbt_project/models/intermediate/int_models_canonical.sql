with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

model_names as (
    select * from {{ ref("model_names") }}
),

models as (
    select distinct model
    from observations
    where is_generation and model is not null
),

-- Without provider path, region, vendor, date and revision: us.anthropic.claude-x-20250929-v1:0 becomes claude-x.
cleaned as (
    select
        model,
        regexp_replace(
            regexp_replace(lower(model), '^(.*/)?((us|eu|apac|global)[.])?([a-z0-9]+[.](?=[a-z]))?', ''),
            '(@?-?(\d{4}-\d{2}-\d{2}|20\d{6}))?(-v\d+(:\d+)?)?$', ''
        ) as cleaned_name
    from models
),

matched as (
    select distinct on (cleaned.model)
        cleaned.model,
        coalesce(nullif(model_names.canonical_model, ''), cleaned.cleaned_name) as canonical_model,
        model_names.provider
    from cleaned
    inner join model_names on cleaned.cleaned_name ~ model_names.pattern
    order by cleaned.model, model_names.priority
),

canonical as (
    select
        models.model,
        coalesce(matched.canonical_model, models.model) as canonical_model,
        coalesce(matched.provider, 'unknown') as provider
    from models
    left join matched on models.model = matched.model
)

select * from canonical
