with

catalogue_prices as (
    select * from {{ ref("stg_prices__catalogue_prices") }}
),

model_names as (
    select * from {{ ref("stg_prices__model_names") }}
),

models as (
    select * from {{ ref("stg_langfuse__models") }}
),

projects as (
    select * from {{ ref("stg_langfuse__projects") }}
),

entries as (
    select
        {{ entry_key() }} as listing_key,
        catalogue as price_source,
        price_ref,
        served_by,
        model,
        model_pattern,
        bool_or(is_current) as is_current
    from catalogue_prices
    group by catalogue, price_ref, served_by, model, model_pattern
),

-- What a team's entry says of the model must all agree; the one that says most goes first.
named as (
    select
        model_names.model,
        entries.listing_key,
        entries.price_source,
        entries.is_current,
        row_number() over (
            partition by model_names.model, entries.price_source
            order by
                entries.is_current desc, entries.model is not null desc, length(entries.model_pattern) desc nulls last,
                entries.served_by is not null desc, entries.price_ref asc, entries.listing_key asc
        ) as entry_rank
    from model_names
    inner join entries
        on
            case entries.price_source
                when 'team'
                    then
                        (entries.served_by is null or model_names.served_by = entries.served_by)
                        and (
                            entries.model is null
                            or entries.model in (lower(model_names.model), lower(model_names.canonical_model))
                        )
                        and (
                            entries.model_pattern is null
                            or lower(model_names.model) ~ entries.model_pattern
                            or lower(model_names.canonical_model) ~ entries.model_pattern
                        )
                else model_names.price_ref = entries.price_ref
            end
),

definitions as (
    select
        instance,
        project_id,
        model_id,
        {{ definition_key() }} as listing_key,
        case when is_langfuse_managed then 'langfuse' else 'langfuse_project' end as price_source,
        coalesce(match_pattern, '(?i)^(' || regexp_replace(model_name, '(\W)', '\\\1', 'g') || ')$') as match_pattern,
        starts_at,
        is_current,
        known_from,
        known_to
    from models
),

-- The same built-in definitions stand in every project.
patterns as (
    select distinct match_pattern
    from definitions
),

-- Pattern by pattern, for each is compiled once then.
fitting as (
    select
        patterns.match_pattern,
        names.model
    from patterns
    cross join
        lateral (
            select model_names.model from model_names
            where model_names.model ~ patterns.match_pattern
            {{ worked_out_once() }}
        ) as names
),

-- Langfuse takes the definition with the newest start.
defined as (
    select
        definitions.instance,
        definitions.project_id,
        fitting.model,
        definitions.listing_key,
        definitions.price_source,
        definitions.is_current,
        definitions.known_from,
        definitions.known_to,
        row_number() over (
            partition by definitions.instance, definitions.project_id, fitting.model, definitions.price_source
            order by
                definitions.is_current desc, definitions.starts_at desc nulls last, definitions.model_id asc,
                definitions.known_from desc
        ) as entry_rank
    from definitions
    inner join fitting on definitions.match_pattern = fitting.match_pattern
),

matched as (
    select
        projects.instance,
        projects.project_id,
        named.model,
        named.listing_key,
        named.price_source,
        named.entry_rank,
        named.is_current,
        null::timestamptz as known_from,
        null::timestamptz as known_to
    from named
    cross join projects
    union all
    select
        instance,
        project_id,
        model,
        listing_key,
        price_source,
        entry_rank,
        is_current,
        known_from,
        known_to
    from defined
),

ranked as (
    select
        instance,
        project_id,
        model,
        listing_key,
        price_source,
        case price_source when 'team' then 1 when 'langfuse_project' then 2 when 'genai-prices' then 3 else 4 end
            as source_rank,
        entry_rank,
        is_current,
        known_from,
        known_to
    from matched
),

-- Models that the same entries price in the same order share a book, so that it is worked out once.
final as (
    select
        *,
        md5(
            (
                array_agg(listing_key) filter (where is_current) over (
                    partition by instance, project_id, model
                    order by source_rank, entry_rank
                    rows between unbounded preceding and unbounded following
                )
            )::text
        ) as book
    from ranked
)

select * from final
