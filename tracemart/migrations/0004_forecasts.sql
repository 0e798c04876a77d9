-- One row per series: what its newest forecast was trained on, so that unchanged input is not trained again.
create table forecasts.fits (
    series_id text primary key,
    metric text not null,
    level text not null,
    key text not null,
    input_hash text not null,
    origin_date date not null,
    model text not null,
    parameters jsonb not null,
    is_fallback boolean not null,
    fallback_reason text,
    trained_at timestamptz not null
);

create table forecasts.forecasts (
    series_id text not null,
    metric text not null,
    level text not null,
    key text not null,
    origin_date date not null,
    forecast_date date not null,
    expected numeric not null,
    lower_80 numeric not null,
    upper_80 numeric not null,
    lower_95 numeric not null,
    upper_95 numeric not null,
    model text not null,
    parameters jsonb not null,
    is_fallback boolean not null,
    fallback_reason text,
    trained_at timestamptz not null,
    primary key (series_id, origin_date, forecast_date)
);

create table forecasts.accuracy (
    series_id text not null,
    metric text not null,
    level text not null,
    key text not null,
    horizon_days integer not null,
    model text not null,
    mase numeric,
    crps numeric,
    coverage_80 numeric,
    coverage_95 numeric,
    bias numeric,
    origins integer not null,
    scored_at timestamptz not null,
    primary key (series_id, horizon_days, model)
);

create table forecasts.anomalies (
    series_id text not null,
    metric text not null,
    level text not null,
    key text not null,
    usage_date date not null,
    value numeric not null,
    expected numeric,
    lower_95 numeric,
    upper_95 numeric,
    score numeric,
    is_anomaly boolean not null,
    severity text check (severity in ('low', 'medium', 'high', 'critical')),
    scored_at timestamptz not null,
    primary key (series_id, usage_date)
);
