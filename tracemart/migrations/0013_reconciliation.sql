set local role tracemart_loader;

-- UTC days of which the server's own figures are wanted: each was changed by a load (changed_batch_id), and asked for by
-- another (batch_id, NULL before the first time). It is due as long as it was not asked for since it was changed.
create table raw.server_days (
    instance text not null,
    project_id text not null,
    utc_date date not null,
    changed_batch_id bigint not null,
    batch_id bigint,
    source text,
    asked_at timestamptz,
    primary key (instance, project_id, utc_date)
);
create index server_days_batch_id_idx on raw.server_days (batch_id);

-- What Langfuse's Metrics API answered; model is as sent, '' for observations without one.
create table raw.server_totals (
    instance text not null,
    project_id text not null,
    utc_date date not null,
    model text not null,
    calls bigint not null,
    total_tokens bigint not null,
    total_cost_usd numeric not null,
    asked_at timestamptz not null,
    batch_id bigint not null,
    primary key (instance, project_id, utc_date, model)
);

create index superseded_observations_start_time_idx on raw.superseded_observations (start_time);

-- One row per line of a provider's bill and usage type in it. A usage export has units and no cost; a cost export may
-- lack units. model NULL: the bill is not split by model; usage_type NULL: nor by type. cost_decimals is how finely the
-- file writes money. Names of keys, people and workspaces are not kept.
create table raw.bill_lines (
    provider text not null,
    account text not null,
    format text not null,
    usage_date date not null,
    model text,
    usage_type text,
    service_tier text,
    units numeric,
    requests bigint,
    cost_usd numeric,
    cost_decimals integer,
    line_number integer not null,
    batch_id bigint not null
);
create index bill_lines_date_idx on raw.bill_lines (provider, account, format, usage_date);

create table raw.bill_files (
    batch_id bigint primary key,
    provider text not null,
    format text not null,
    file_name text not null,
    content_hash text not null,
    first_date date not null,
    last_date date not null,
    lines integer not null,
    loaded_at timestamptz not null default clock_timestamp()
);
