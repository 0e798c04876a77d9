-- Who was forgotten, so that no load brings them back. Users and sessions stand here as salted digests, never in clear;
-- a trace's id is Langfuse's own and names nobody. '*' stands for every instance and project.
set local role tracemart_loader;

create table raw.forgotten_salt (salt bytea not null);
insert into raw.forgotten_salt
select decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

create table raw.forgotten_users (
    instance text not null,
    project_id text not null,
    user_digest bytea not null,
    forgotten_at timestamptz not null default clock_timestamp(),
    primary key (user_digest, instance, project_id)
);

-- Sessions in which nobody else was named.
create table raw.forgotten_sessions (
    instance text not null,
    project_id text not null,
    session_digest bytea not null,
    primary key (session_digest, instance, project_id)
);

create table raw.forgotten_traces (
    instance text not null,
    project_id text not null,
    trace_id text not null,
    primary key (trace_id, instance, project_id)
);

revoke select on raw.forgotten_salt, raw.forgotten_users, raw.forgotten_sessions, raw.forgotten_traces
from tracemart_transformer;
