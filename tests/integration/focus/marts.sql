-- The marts as far as the export reads them, with made rows.
create table fct_generations as
select
    'demo'::text as instance,
    case when n % 3 = 0 then 'p2' else 'p1' end as project_id,
    case when n % 3 = 0 then 'Sales' else 'Support' end as project_name,
    'production'::text as environment,
    case when n % 4 = 0 then 'unattributed' else 'care' end as department,
    'blue'::text as team,
    'agent-' || n % 2 as agent,
    'unattributed'::text as feature,
    'not set'::text as dimension_1,
    case when n % 5 = 0 then 'tenant, "A"' else 'not set' end as dimension_2,
    (started_at at time zone 'Asia/Kathmandu')::date as usage_date,
    started_at,
    case when n % 2 = 0 then 'azure/gpt-4o' else 'claude-sonnet-4-20250514' end as model,
    case when n % 2 = 0 then 'gpt-4o' else 'claude-sonnet-4' end as canonical_model,
    case when n % 2 = 0 then 'openai' else 'anthropic' end as provider,
    case when n % 7 = 0 then 'batch' end as service_tier,
    n <> 11 as is_counted,
    basis as cost_basis,
    case when basis in ('list', 'negotiated', 'self_hosted') then 'team' end as price_source,
    (100 + n)::bigint as input_tokens,
    (n % 6 * 50)::bigint as cached_input_tokens,
    0::bigint as cache_write_tokens,
    case when basis = 'none' then 0 else 30 + n end::bigint as output_tokens,
    case when n % 8 = 0 then jsonb_build_object('reasoning', n, 'web_search', 2, 'odd_units', 1.5, 'cache_write_1h', 9) end as other_usage,
    case when priced then (100 + n) * price else 0 end as input_cost_usd,
    case when priced then (n % 6 * 50) * price / 2 else 0 end as cached_input_cost_usd,
    0::numeric as cache_write_cost_usd,
    case when priced then (30 + n) * price * 4 else 0 end as output_cost_usd,
    case when priced and n % 8 = 0 then jsonb_build_object('reasoning', n * price, 'web_search', 0.02) end
        as other_costs_usd,
    0::numeric as list_cost_usd,
    0::numeric as cost_usd
from (
    select
        n,
        timestamptz '2026-08-30 22:40:00+00' + n * interval '7 hours 13 minutes' as started_at,
        basis,
        basis in ('list', 'negotiated', 'self_hosted') as priced,
        case when basis = 'negotiated' then 0.0000025 * 0.83 else 0.0000025 end as price
    from generate_series(1, 120) as n
    cross join lateral (
        select (array['list', 'negotiated', 'recorded', 'none', 'self_hosted'])[1 + n % 5] as basis
    ) as based
) as made;

-- Recorded without parts; a fee by request; parts rounded further up than the total.
update fct_generations set cost_usd = case
    when cost_basis = 'recorded' then 0.012345678901 + input_tokens * 0.0000001
    when cost_basis = 'none' then 0
    when cost_basis = 'self_hosted' then input_cost_usd + cached_input_cost_usd + output_cost_usd - 0.000000000001
    else input_cost_usd + cached_input_cost_usd + output_cost_usd + 0.02
        + coalesce((other_costs_usd ->> 'reasoning')::numeric, 0) + coalesce((other_costs_usd ->> 'web_search')::numeric, 0)
end;
update fct_generations set other_costs_usd = null where cost_basis = 'self_hosted';
update fct_generations set list_cost_usd = case
    when cost_basis = 'negotiated' then round(cost_usd / 0.83, 12)
    when cost_basis in ('list', 'self_hosted') then cost_usd
end;

create table fct_usage_daily as
select usage_date, instance, project_id, count(*) as calls, sum(cost_usd) as cost_usd
from fct_generations
where is_counted
group by usage_date, instance, project_id;

create table dim_models as
select distinct instance, project_id, model, case when provider = 'openai' then 'azure' else 'unknown' end as served_by
from fct_generations;

create table fct_commitment_costs_daily as
select
    day::date as usage_date,
    case when borne_by = 'p1' then 'demo' else 'unattributed' end as instance,
    borne_by as project_id,
    case when borne_by = 'p1' then 'Support' else 'unattributed' end as project_name,
    case when borne_by = 'p1' then 'GPU 7' else 'Provisioned throughput' end as commitment,
    'care'::text as department,
    'unattributed'::text as team,
    'unattributed'::text as agent,
    'unknown'::text as canonical_model,
    'azure'::text as provider,
    3.33 as cost_usd
from generate_series(timestamp '2026-09-29', timestamp '2026-10-02', interval '1 day') as day
cross join unnest(array['p1', 'unattributed']) as borne_by;
