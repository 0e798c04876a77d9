with

commitments as (
    select * from {{ ref("commitments") }}
),

days as (
    select
        commitments.*,
        commitments.first_date + numbers.number as usage_date,
        numbers.number + 1 as day_number,
        commitments.last_date - commitments.first_date + 1 as day_count,
        greatest(2, scale(trim_scale(commitments.cost_usd))) as decimals
    from commitments
    cross join generate_series(0, commitments.last_date - commitments.first_date) as numbers (number)
),

-- What a period costs is dealt out as it sums up: the days so far always have their share to the cent, so two days
-- differ by one cent at most and the last one ends at the whole. An amount with more decimals keeps them.
costed as (
    select
        usage_date,
        coalesce(instance, 'unattributed') as instance,
        coalesce(project_id, 'unattributed') as project_id,
        commitment,
        coalesce(provider, 'unknown') as provider,
        coalesce(model, 'unknown') as model,
        coalesce(department, 'unattributed') as department,
        coalesce(team, 'unattributed') as team,
        coalesce(agent, 'unattributed') as agent,
        first_date,
        last_date,
        cost_per,
        case cost_per
            when 'period'
                then
                    round(cost_usd * day_number / day_count, decimals)
                    - round(cost_usd * (day_number - 1) / day_count, decimals)
            when 'day' then cost_usd
            when 'hour'
                then
                    trim_scale(
                        cost_usd * extract(
                            epoch from {{ day_starts_at("(usage_date + 1)") }} - {{ day_starts_at("usage_date") }}
                        ) / 3600
                    )
        end as cost_usd
    from days
)

select * from costed
