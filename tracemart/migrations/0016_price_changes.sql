-- What a slot's calls were priced and named by: a build compares it with what holds now, and touches the days on which a
-- model was used whose price or name differs.
create table operations.slot_prices (
    slot text not null references operations.slots (slot),
    instance text,
    project_id text,
    model text not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null,
    price jsonb not null
);
grant select, insert, delete on operations.slot_prices to tracemart_transformer;
