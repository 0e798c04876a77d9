-- The two schemas that take turns: one is marts, which readers see, the other marts_next, where the next build stands.
create table operations.slots (
    slot text primary key,
    schema_name text not null check (schema_name in ('marts', 'marts_next')),
    unique (schema_name) deferrable initially deferred
);
insert into operations.slots values ('a', 'marts'), ('b', 'marts_next');

create table operations.builds (
    build_id bigint generated always as identity primary key,
    slot text not null references operations.slots (slot),
    status text not null check (status in ('running', 'published', 'failed', 'abandoned')),
    is_full_refresh boolean not null,
    project_version text not null,
    data_through_at timestamptz,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    published_at timestamptz,
    message text
);

-- Loads that the running build takes up, and those that each slot already holds.
create table operations.pending_loads (batch_id bigint primary key);
create table operations.slot_loads (
    slot text not null references operations.slots (slot),
    batch_id bigint not null,
    primary key (slot, batch_id)
);

create table operations.model_runs (
    build_id bigint not null references operations.builds (build_id),
    unique_id text not null,
    name text not null,
    resource_type text not null,
    layer text,
    status text not null,
    rows_affected bigint,
    seconds numeric,
    message text,
    finished_at timestamptz not null default clock_timestamp(),
    primary key (build_id, unique_id)
);

create table operations.validation_results (
    validation_id bigint generated always as identity primary key,
    run_id text not null,
    stage text not null check (stage in ('raw', 'marts')),
    suite text not null,
    expectation text not null,
    column_name text,
    severity text not null,
    is_success boolean not null,
    observed_value text,
    expected text,
    unexpected_count bigint,
    unexpected_percent numeric,
    build_id bigint,
    checked_at timestamptz not null
);

create table operations.sent_reports (
    report text not null,
    period_start date not null,
    recipients text[] not null,
    message_id text not null,
    sent_at timestamptz not null default clock_timestamp(),
    primary key (report, period_start, recipients)
);

grant select, insert, update, delete on all tables in schema operations to tracemart_transformer;
grant usage on all sequences in schema operations to tracemart_transformer;
