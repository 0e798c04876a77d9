-- A build also begins where a file changed that no day of the marts is made of: budgets, exchange rates and the like.
alter table operations.builds add column inputs_digest text;

-- One row per closing of a month of chargeback; one that was taken back stays here with what it had frozen.
create table operations.closed_months (
    closing_id bigint generated always as identity primary key,
    month date not null check (month = date_trunc('month', month)::date),
    closed_at timestamptz not null default clock_timestamp(),
    closed_by text not null,
    data_through_at timestamptz,
    reopened_at timestamptz,
    reopened_by text
);
create unique index closed_months_month_idx on operations.closed_months (month) where reopened_at is null;

-- What was charged in the month that a closing closed: its own usage, and what came late for months closed before.
create table operations.closed_costs (
    closing_id bigint not null references operations.closed_months (closing_id),
    posting_month date not null,
    service_month date not null,
    instance text not null,
    project_id text not null,
    project_name text not null,
    department text not null,
    team text not null,
    agent text not null,
    canonical_model text not null,
    kind text not null check (kind in ('usage', 'late', 'restatement')),
    calls bigint not null,
    cost_usd numeric not null,
    primary key (closing_id, service_month, instance, project_id, department, team, agent, canonical_model)
);

-- Nobody rewrites what was charged: closings are added, and at most taken back.
grant select, insert on operations.closed_months, operations.closed_costs to tracemart_transformer;
grant update (reopened_at, reopened_by) on operations.closed_months to tracemart_transformer;
