-- Roles belong to the whole server and may already stand there for another warehouse.
do $$
declare
    role_name text;
begin
    foreach role_name in array array[
        'tracemart_loader', 'tracemart_transformer', 'tracemart_forecaster', 'tracemart_analyst'
    ] loop
        if not exists (select from pg_roles where rolname = role_name) then
            begin
                execute format('create role %I login', role_name);
            exception when duplicate_object or unique_violation then
                null; -- made by another migration in the same moment
            end;
        end if;
        execute format('grant connect on database %I to %I', current_database(), role_name);
    end loop;
    execute format('grant create on database %I to tracemart_transformer', current_database());
end $$;

grant tracemart_loader, tracemart_transformer to current_user;

create schema if not exists raw authorization tracemart_loader;
create schema if not exists forecasts;
create schema if not exists staging authorization tracemart_transformer;
create schema if not exists intermediate authorization tracemart_transformer;
create schema if not exists marts authorization tracemart_transformer;
create schema if not exists marts_next authorization tracemart_transformer;

grant usage on schema operations, raw to tracemart_loader, tracemart_transformer;
grant usage on schema operations to tracemart_forecaster;
grant usage on schema forecasts to tracemart_forecaster, tracemart_transformer;
grant usage on schema marts to tracemart_forecaster, tracemart_analyst;

-- Both schemas that take turns as marts let readers select; which one is seen is decided by USAGE, moved on publishing.
alter default privileges for role tracemart_transformer in schema marts
grant select on tables to tracemart_forecaster, tracemart_analyst;
alter default privileges for role tracemart_transformer in schema marts_next
grant select on tables to tracemart_forecaster, tracemart_analyst;

alter default privileges for role tracemart_loader in schema raw grant select on tables to tracemart_transformer;
alter default privileges in schema forecasts grant select, insert, update, delete on tables to tracemart_forecaster;
alter default privileges in schema forecasts grant select on tables to tracemart_transformer;
