-- Of each project: the first month that raw still holds whole, and the first reporting day that is made from raw. What
-- is older stands in the marts alone, and every build carries it over. The day's begin is kept beside it, for the time
-- zone of reporting days may change.
create table operations.raw_kept_from (
    instance text not null,
    project_id text not null,
    first_month date not null,
    first_date date not null,
    first_date_starts_at timestamptz not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id)
);

grant select on operations.raw_kept_from to tracemart_transformer, tracemart_loader;

-- A build asks which loads its slot lacks; most loads change nothing, and their log only grows.
set local role tracemart_loader;
create index loads_that_changed_idx on raw.loads (batch_id) where rows_inserted + rows_updated > 0;
