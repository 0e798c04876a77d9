-- Marts as the models build them, with made rows: 60 days to 2026-10-04 (a Sunday), no randomness.
-- The schema to fill is the first one of search_path.
create table dim_projects as
select 'demo' as instance, 'p1' as project_id, 'Support desk' as project_name
union all
select 'demo', 'p2', 'Search & answers';

create table fct_usage_daily as
with cells as (
    select *
    from (values
        ('p1', 'Support desk', 'Customer care', 'triage', 'triage-agent', 'gpt-4o-mini', 'openai', 900, 0.0006),
        ('p1', 'Support desk', 'Customer care', 'triage', 'answer-agent', 'gpt-4o', 'openai', 400, 0.0121),
        ('p1', 'Support desk', 'Finance', 'billing', 'refund-agent', 'claude-sonnet-4', 'anthropic', 150, 0.0217),
        ('p2', 'Search & answers', 'Research', 'search', 'retrieval-agent', 'text-embedding-3-small', 'openai', 2500, 0.00001),
        ('p2', 'Search & answers', 'Research', 'search', 'summary-agent', 'claude-sonnet-4', 'anthropic', 220, 0.0309),
        ('p2', 'Search & answers', 'unattributed', 'unattributed', 'unattributed', 'gpt-4o', 'openai', 60, 0.0098)
    ) as cells (project_id, project_name, department, team, agent, model, provider, base_calls, price)
),
days as (
    select day::date as usage_date, day::date - date '2026-08-06' as n
    from generate_series(timestamp '2026-08-06', timestamp '2026-10-04', interval '1 day') as day
)
select
    usage_date, 'demo'::text as instance, project_id, project_name, 'production'::text as environment, department, team,
    agent, model, model as canonical_model, provider, 'not set'::text as dimension_1, 'not set'::text as dimension_2,
    calls, (calls * (2 + n % 5) / 100)::bigint as errors,
    calls * 700 as input_tokens, calls * 200 as cached_input_tokens, 0::bigint as cache_write_tokens,
    calls * 900 as total_input_tokens, calls * 180 as output_tokens, calls * 1080 as total_tokens,
    round((calls * price)::numeric, 10) as cost_usd
from days
cross join cells
cross join lateral (
    select (
        base_calls
        * case extract(isodow from usage_date) when 6 then 0.35 when 7 then 0.3 else 1 end
        * (1 + n * 0.004 + ((n * 7 + base_calls) % 11 - 5) * 0.012)
        * case when usage_date = '2026-09-30' and agent = 'summary-agent' then 3.2 else 1 end
    )::bigint as calls
) as sized;

create table fct_usage_hourly as
select (usage_date + interval '9 hours') at time zone 'UTC' as usage_hour, * from fct_usage_daily;

create table fct_cost_daily as
select
    usage_date, instance, project_id, project_name, environment, department, team, agent, model, canonical_model,
    provider, dimension_1, dimension_2, usage_type, tokens, part_usd as cost_usd, cached_savings_usd
from fct_usage_daily as usage
cross join lateral (
    values
        ('input', usage.input_tokens, round(usage.cost_usd * 0.4, 10), 0::numeric),
        ('output', usage.output_tokens, usage.cost_usd - round(usage.cost_usd * 0.4, 10), 0::numeric)
) as parts (usage_type, tokens, part_usd, cached_savings_usd);

create table fct_generations as
select
    'demo'::text as instance, usage.project_id, 'trace-' || usage_date || '-' || n as trace_id, 'observation-' || n as observation_id,
    usage_date, department, agent, model, true as is_counted, false as is_error, 100::bigint as input_tokens,
    0::bigint as cached_input_tokens, 0::bigint as cache_write_tokens, 20::bigint as output_tokens,
    120::bigint as total_tokens, 0.001::numeric as cost_usd, 'recorded'::text as cost_basis,
    (800 + n * 13 % 900)::numeric as latency_ms, 200::numeric as time_to_first_token_ms
from fct_usage_daily as usage
cross join generate_series(1, 20) as n
where usage_date > '2026-08-20' and usage.agent = 'answer-agent';

create table fct_traces as
select
    instance, project_id, trace_id, usage_date as trace_date, cost_usd, latency_ms,
    0.8::numeric as quality, 'B'::text as grade, 3 as depth
from fct_generations;

create table fct_scores as
select
    instance, project_id, 'score-' || trace_id as score_id, usage_date as score_date, 'helpfulness'::text as score_name,
    0.8::numeric as numeric_value, 0.8::numeric as quality
from fct_generations;

create table fct_model_comparison_daily as
select
    usage_date, instance, project_id, project_name, environment, department, model, canonical_model, provider,
    sum(calls)::bigint as calls, sum(errors)::bigint as errors,
    round(sum(errors)::numeric / nullif(sum(calls), 0), 6) as error_rate,
    900 + length(model) * 40::numeric as p50_latency_ms, 2100 + length(model) * 90::numeric as p95_latency_ms,
    sum(total_tokens)::bigint as total_tokens, sum(cost_usd) as cost_usd,
    sum(cost_usd) / nullif(sum(calls), 0) as cost_per_call_usd,
    case when model like 'text-%' then null else 0.7 + length(model) % 4 * 0.06 end::numeric as quality
from fct_usage_daily
group by usage_date, instance, project_id, project_name, environment, department, model, canonical_model, provider;

create table fct_agent_daily as
select
    usage_date, instance, project_id, project_name, environment, department, team, agent,
    sum(calls)::bigint as calls, sum(errors)::bigint as errors,
    round(sum(errors)::numeric / nullif(sum(calls), 0), 6) as error_rate,
    sum(cost_usd) as cost_usd, 0.8::numeric as quality
from fct_usage_daily
group by usage_date, instance, project_id, project_name, environment, department, team, agent;

create table fct_latency_buckets_daily as
select
    usage_date, instance, project_id, project_name, environment, department, agent, model, 'latency_ms'::text as measure,
    sum(greatest(calls / 5, 1))::bigint as calls,
    sum(greatest(calls / 5, 1) * public.bucketed(700 + length(model) * 60 * step)) as buckets
from fct_usage_daily
cross join generate_series(1, 5) as step
group by usage_date, instance, project_id, project_name, environment, department, agent, model;

create table fct_forecasts as
select
    'cost_usd/total/all'::text as series_id, 'cost_usd'::text as metric, 'total'::text as level, 'all'::text as key,
    date '2026-10-04' as origin_date, (date '2026-10-04' + n) as forecast_date,
    round((case extract(isodow from date '2026-10-04' + n) when 6 then 8 when 7 then 7 else 21 end + n * 0.03)::numeric, 4)
        as expected,
    round((case extract(isodow from date '2026-10-04' + n) when 6 then 7 when 7 then 6 else 18 end)::numeric, 4) as lower_80,
    round((case extract(isodow from date '2026-10-04' + n) when 6 then 9.5 when 7 then 8.5 else 25 end)::numeric, 4)
        as upper_80,
    6::numeric as lower_95, 29::numeric as upper_95, 'Holt-Winters'::text as model, '{}'::jsonb as parameters,
    false as is_fallback, null::text as fallback_reason, timestamptz '2026-10-05 01:00+00' as trained_at
from generate_series(1, 30) as n;

create table fct_anomalies as
select
    'cost_usd/' || level || '/' || key as series_id, 'cost_usd'::text as metric, level, key, usage_date, value, expected, lower_95,
    upper_95, score, true as is_anomaly, severity, timestamptz '2026-10-05 01:00+00' as scored_at
from (values
    ('total', 'all', date '2026-09-30', 41.5, 22.1, 18.2, 27.0, 6.1, 'high'),
    ('agent', 'summary-agent', date '2026-09-30', 27.9, 8.6, 6.9, 10.4, 14.2, 'critical'),
    ('model', 'gpt-4o', date '2026-09-03', 1.2, 5.5, 4.1, 7.0, 4.4, 'medium')
) as found (level, key, usage_date, value, expected, lower_95, upper_95, score, severity);

create view fct_data_quality as select * from operations.validation_results;
create view fct_builds as select * from operations.builds;

create table fct_priced_coverage_daily as
select
    usage_date, instance, project_id, model, sum(calls)::bigint as calls, sum(total_tokens)::bigint as total_tokens,
    sum(total_tokens)::bigint as priced_tokens, 0::bigint as unpriced_calls
from fct_usage_daily
group by usage_date, instance, project_id, model;

create table fct_reconciliation_daily as
select
    usage_date as utc_date, instance, project_id, model, sum(cost_usd) as server_cost_usd, 0::bigint as unexplained_calls,
    0::numeric as unexplained_cost_usd, timestamptz '2026-10-05 01:00+00' as asked_at
from fct_usage_daily
group by usage_date, instance, project_id, model;

create table fct_duplicate_calls as
select usage_date, instance, project_id, 'recorded_twice'::text as duplicate_rule
from fct_usage_daily
where agent = 'triage-agent';

create table fct_cost_restatements as
select
    1::bigint as build_id, 'price'::text as reason, usage_date, cost_usd as before_cost_usd, cost_usd as after_cost_usd,
    0::numeric as restated_cost_usd
from fct_usage_daily
where usage_date = '2026-10-04';
