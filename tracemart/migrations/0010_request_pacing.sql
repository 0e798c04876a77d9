set local role tracemart_loader;

-- How often a Langfuse server lets one organisation ask, per kind of endpoint, and from when the next request may go:
-- shared by all processes that read with this warehouse. Empty as long as no server has refused for asking too often.
create table raw.request_pacing (
    host text not null,
    organization_id text not null,
    bucket text not null,
    requests integer not null check (requests > 0),
    window_length interval not null check (window_length > interval '0'),
    spacing interval not null,
    burst interval not null,
    next_request_at timestamptz not null,
    learned_at timestamptz not null default clock_timestamp(),
    primary key (host, organization_id, bucket)
);
