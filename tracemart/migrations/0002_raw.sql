-- The loader owns raw, for after a large load it has to gather statistics.
set local role tracemart_loader;

-- One row per load of one entity of one Langfuse project: committed together with the rows it loaded.
create table raw.loads (
    batch_id bigint generated always as identity primary key,
    instance text not null,
    project_id text not null,
    entity text not null,
    source text not null,
    run_id text,
    window_from timestamptz,
    window_to timestamptz,
    started_at timestamptz not null,
    finished_at timestamptz not null default clock_timestamp(),
    rows_read bigint not null default 0,
    rows_inserted bigint not null default 0,
    rows_updated bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_rejected bigint not null default 0
);

create table raw.watermarks (
    instance text not null,
    project_id text not null,
    entity text not null,
    loaded_through_at timestamptz not null,
    resume_after timestamptz,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, entity)
);

create table raw.projects (
    instance text not null,
    project_id text not null,
    name text,
    organization_id text,
    organization_name text,
    metadata jsonb,
    retention_days integer,
    host text not null,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id)
);

create table raw.observations (
    instance text not null,
    project_id text not null,
    trace_id text not null,
    id text not null,
    type text not null,
    parent_observation_id text,
    is_root_observation boolean,
    name text,
    level text,
    status_message text,
    version text,
    environment text,
    bookmarked boolean,
    public boolean,
    user_id text,
    session_id text,
    release text,
    trace_name text,
    tags text[],
    start_time timestamptz not null,
    end_time timestamptz,
    completion_start_time timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    latency_seconds numeric,
    time_to_first_token_seconds numeric,
    model text,
    internal_model_id text,
    model_id text,
    model_parameters jsonb,
    input_price numeric,
    output_price numeric,
    total_price numeric,
    usage_details jsonb,
    cost_details jsonb,
    input_usage bigint,
    output_usage bigint,
    total_usage bigint,
    input_cost numeric,
    output_cost numeric,
    total_cost numeric,
    usage_pricing_tier_id text,
    usage_pricing_tier_name text,
    prompt_id text,
    prompt_name text,
    prompt_version integer,
    metadata jsonb,
    input text,
    output text,
    source text not null,
    vanished_at timestamptz,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, trace_id, id)
);
create index observations_batch_id_idx on raw.observations (batch_id);
create index observations_start_time_idx on raw.observations (instance, project_id, start_time);

-- What an observation said before a newer version replaced it; the version that replaced it came with superseded_by_batch_id.
create table raw.superseded_observations (
    like raw.observations,
    superseded_by_batch_id bigint not null,
    superseded_at timestamptz not null default clock_timestamp()
);
create index superseded_observations_key_idx on raw.superseded_observations (instance, project_id, trace_id, id);
create index superseded_observations_batch_idx on raw.superseded_observations (superseded_by_batch_id);

create table raw.scores (
    instance text not null,
    project_id text not null,
    id text not null,
    name text not null,
    source text,
    data_type text not null,
    numeric_value numeric,
    string_value text,
    environment text,
    scored_at timestamptz not null,
    subject_kind text,
    trace_id text,
    observation_id text,
    session_id text,
    experiment_id text,
    comment text,
    config_id text,
    metadata jsonb,
    author_user_id text,
    queue_id text,
    created_at timestamptz,
    updated_at timestamptz,
    load_source text not null,
    vanished_at timestamptz,
    batch_id bigint not null,
    loaded_at timestamptz not null default clock_timestamp(),
    primary key (instance, project_id, id)
);
create index scores_batch_id_idx on raw.scores (batch_id);
create index scores_trace_idx on raw.scores (instance, project_id, trace_id);
create index scores_scored_at_idx on raw.scores (instance, project_id, scored_at);

create table raw.superseded_scores (
    like raw.scores,
    superseded_by_batch_id bigint not null,
    superseded_at timestamptz not null default clock_timestamp()
);
create index superseded_scores_key_idx on raw.superseded_scores (instance, project_id, id);
create index superseded_scores_batch_idx on raw.superseded_scores (superseded_by_batch_id);

-- Models and prompts change in place in Langfuse without a history: a row says from when to when we knew it so.
create table raw.models (
    instance text not null,
    project_id text not null,
    id text not null,
    model_name text not null,
    match_pattern text,
    start_date timestamptz,
    unit text,
    tokenizer_id text,
    is_langfuse_managed boolean,
    created_at timestamptz,
    input_price numeric,
    output_price numeric,
    total_price numeric,
    pricing_tiers jsonb not null,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    primary key (instance, project_id, id, known_from)
);
create unique index models_current_idx on raw.models (instance, project_id, id) where known_to is null;

create table raw.prompts (
    instance text not null,
    project_id text not null,
    name text not null,
    type text,
    versions integer[] not null,
    labels text[] not null,
    tags text[] not null,
    last_config jsonb,
    last_updated_at timestamptz,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    primary key (instance, project_id, name, known_from)
);
create unique index prompts_current_idx on raw.prompts (instance, project_id, name) where known_to is null;

create table raw.rejected_rows (
    rejected_row_id bigint generated always as identity primary key,
    instance text not null,
    project_id text not null,
    entity text not null,
    source text not null,
    row_id text,
    reason text not null,
    payload jsonb not null,
    payload_hash text not null,
    batch_id bigint not null,
    rejected_at timestamptz not null default clock_timestamp(),
    unique (instance, project_id, entity, payload_hash)
);
