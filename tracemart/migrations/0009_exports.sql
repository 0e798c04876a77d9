set local role tracemart_loader;

-- Manifests of blob-storage exports that are in raw, each with the rows that its files had. A manifest that Langfuse
-- wrote again under the same name, which it cuts to the second, stands here twice.
create table raw.export_manifests (
    instance text not null,
    project_id text not null,
    name text not null,
    stored_version text not null,
    content_hash text not null,
    window_from timestamptz not null,
    window_to timestamptz not null,
    rows_read bigint not null,
    run_id text,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, content_hash)
);
