set local role tracemart_loader;

-- Price lists by what is known since when: a row says from when to when we knew it so (known_from, known_to), and which
-- calls it prices: those of its price_ref and service_tier at a time from valid_from until before valid_until, of a day
-- (UTC) from daily_from until before daily_until, with more than above_input_tokens and at most up_to_input_tokens
-- tokens of input of all kinds. Of the current rows of one list no two price the same call of the same price_ref.
--
-- prices: {usage type: "USD per unit"}, decimal text; "request" is per call. A row of the team's list may hold a discount
-- alone; it says by served_by, model or model_pattern (a regular expression) what it is for, all of which must agree.
create table raw.catalogue_prices (
    catalogue text not null check (catalogue in ('team', 'genai-prices')),
    price_ref text not null,
    served_by text,
    model text,
    model_pattern text,
    service_tier text not null,
    valid_from timestamptz not null,
    valid_until timestamptz not null check (valid_until > valid_from),
    daily_from time,
    daily_until time,
    above_input_tokens bigint not null,
    up_to_input_tokens bigint check (up_to_input_tokens > above_input_tokens),
    prices jsonb not null,
    discount numeric check (discount between 0 and 1),
    cost_basis text not null check (cost_basis in ('list', 'negotiated', 'self_hosted')),
    catalogue_version text not null,
    known_from timestamptz not null,
    known_to timestamptz,
    batch_id bigint not null,
    check ((daily_from is null) = (daily_until is null)),
    unique nulls not distinct (
        catalogue, price_ref, service_tier, valid_from, daily_from, above_input_tokens, known_from
    )
);
create unique index catalogue_prices_current_idx on raw.catalogue_prices
(catalogue, price_ref, service_tier, valid_from, daily_from, above_input_tokens) nulls not distinct
where known_to is null;

-- provider makes the model; served_by serves and bills it, as far as the name tells: the maker itself, or azure, aws,
-- openrouter and the like. price_ref is an entry of genai-prices; NULL: none is certain.
create table raw.model_names (
    model text primary key,
    canonical_model text not null,
    provider text not null,
    served_by text not null,
    price_ref text,
    matched_by text not null,
    catalogue_version text not null,
    known_from timestamptz not null default clock_timestamp(),
    batch_id bigint not null
);
