set local role tracemart_loader;

-- Langfuse changes these in place without a history: a row says from when to when we knew it so.
create table raw.score_configs (
    instance text not null,
    project_id text not null,
    id text not null,
    name text not null,
    data_type text not null,
    is_archived boolean,
    min_value numeric,
    max_value numeric,
    categories jsonb,
    description text,
    created_at timestamptz,
    updated_at timestamptz,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    primary key (instance, project_id, id, known_from)
);
create unique index score_configs_current_idx on raw.score_configs (instance, project_id, id) where known_to is null;

-- item_count is Langfuse's count of the dataset's items; their inputs and expected outputs stay there.
create table raw.datasets (
    instance text not null,
    project_id text not null,
    id text not null,
    name text not null,
    description text,
    metadata jsonb,
    item_count bigint,
    created_at timestamptz,
    updated_at timestamptz,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    primary key (instance, project_id, id, known_from)
);
create unique index datasets_current_idx on raw.datasets (instance, project_id, id) where known_to is null;

-- id is what observations carry as prompt_id; the prompt's text stays in Langfuse.
create table raw.prompt_versions (
    instance text not null,
    project_id text not null,
    name text not null,
    version integer not null,
    id text,
    type text,
    labels text[] not null,
    tags text[] not null,
    config jsonb,
    commit_message text,
    created_at timestamptz,
    updated_at timestamptz,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    primary key (instance, project_id, name, version, known_from)
);
create unique index prompt_versions_current_idx on raw.prompt_versions (instance, project_id, name, version)
where known_to is null;

-- Langfuse counts an experiment's items within the time it is asked for; the items themselves are in experiment_items.
create table raw.experiments (
    instance text not null,
    project_id text not null,
    id text not null,
    name text not null,
    description text,
    dataset_id text,
    metadata jsonb,
    start_time timestamptz not null,
    end_time timestamptz,
    vanished_at timestamptz,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, id)
);

-- (trace_id, id) is the item's root observation, experiment_item_id the dataset's item.
create table raw.experiment_items (
    instance text not null,
    project_id text not null,
    trace_id text not null,
    id text not null,
    experiment_id text not null,
    experiment_name text,
    experiment_item_id text,
    experiment_dataset_id text,
    experiment_item_version timestamptz,
    start_time timestamptz not null,
    end_time timestamptz,
    level text,
    environment text,
    vanished_at timestamptz,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, trace_id, id)
);
create index experiment_items_experiment_idx on raw.experiment_items (instance, project_id, experiment_id);
create index experiment_items_start_time_idx on raw.experiment_items (instance, project_id, start_time);

-- Only servers with the v3 API list sessions; elsewhere they are what the observations' session_id says.
create table raw.sessions (
    instance text not null,
    project_id text not null,
    id text not null,
    environment text,
    created_at timestamptz not null,
    vanished_at timestamptz,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, id)
);
create index sessions_created_at_idx on raw.sessions (instance, project_id, created_at);
