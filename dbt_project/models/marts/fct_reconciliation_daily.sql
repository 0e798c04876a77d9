{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_utc_days('utc_date') }}",
    post_hook="{{ carry_utc_days_over('utc_date') }}",
    indexes=[{"columns": ["utc_date"]}],
) }}

{% set key = ["utc_date", "instance", "project_id", "model"] %}
{# What each part adds to the server's figure. #}
{% set parts = {
    "calls": ["other_observation", "not_counted", "duplicate", "synthetic_root", "vanished"],
    "tokens": ["corrected", "not_counted", "duplicate", "synthetic_root", "vanished"],
    "cost_usd": ["corrected", "repriced", "not_counted", "duplicate", "synthetic_root", "vanished"],
} %}

with

days as (
    select * from {{ ref("int_utc_days_touched") }}
),

generations as (
    select * from {{ ref("fct_generations") }}
    {% if is_incremental() %}
    -- A UTC day lies in the reporting days around it.
    where usage_date in (select days.utc_date + shift from days cross join generate_series(-1, 1) as shift)
    {% endif %}
),

figures as (
    select * from {{ ref("int_server_figures_joined") }}
    where {{ only_computed_utc_days("utc_date") }}
),

projects as (
    select * from {{ ref("dim_projects") }}
),

calls_of_days as (
    select
        *,
        (started_at at time zone 'UTC')::date as utc_date,
        observation_id = 't-' || trace_id as is_synthetic_root,
        coalesce((usage_details ->> 'total')::numeric, 0) as server_tokens,
        coalesce(recorded_cost_usd, 0) as server_cost_usd,
        coalesce(total_tokens <> (usage_details ->> 'total')::numeric, true) as is_corrected
    from generations
),

own as (
    select
        {{ key | join(",\n        ") }},
        count(*) filter (where is_counted) as calls,
        count(*) filter (where not is_synthetic_root) as generations,
        count(*) filter (where not is_counted and not is_synthetic_root) as not_counted_calls,
        count(*) filter (where is_counted and is_synthetic_root) as root_calls,
        sum(total_tokens) filter (where is_counted) as tokens,
        sum(server_tokens - total_tokens) filter (where is_counted) as corrected_tokens,
        sum(server_tokens) filter (where not is_counted and not is_synthetic_root) as not_counted_tokens,
        sum(server_tokens) filter (where is_counted and is_synthetic_root) as root_tokens,
        sum(cost_usd) filter (where is_counted) as cost_usd,
        sum(server_cost_usd - cost_usd) filter (where is_counted and is_corrected) as corrected_cost_usd,
        sum(server_cost_usd - cost_usd) filter (where is_counted and not is_corrected) as repriced_cost_usd,
        sum(server_cost_usd) filter (where not is_counted and not is_synthetic_root) as not_counted_cost_usd,
        sum(server_cost_usd) filter (where is_counted and is_synthetic_root) as root_cost_usd
    from calls_of_days
    where utc_date in (select days.utc_date from days)
    group by {{ key | join(", ") }}
),

joined as (
    select
        {{ columns_of("figures", key) }},
        {% for measure in parts %}
        coalesce(own.{{ measure }}, 0) as {{ measure }},
        figures.server_{{ measure }},
        {% for part in ["corrected", "repriced", "not_counted"] if part in parts[measure] %}
        coalesce(own.{{ part }}_{{ measure }}, 0) as {{ part }}_{{ measure }},
        {% endfor %}
        figures.synthetic_root_{{ measure }} - coalesce(own.root_{{ measure }}, 0) as synthetic_root_{{ measure }},
        -figures.vanished_{{ measure }} as vanished_{{ measure }},
        figures.kept_version_{{ measure }},
        figures.merging_version_{{ measure }},
        {% endfor %}
        figures.observations - coalesce(own.generations, 0) as other_observation_calls,
        projects.project_name,
        figures.asked_at
    from figures
    left join own
        on
            {{ same("figures", "own", key) }}
    inner join projects
        on
            figures.instance = projects.instance
            and figures.project_id = projects.project_id
),

-- What is left of the server's figure for versions that it merges in the background: it counts none, some or all.
left_over as (
    select
        *,
        server_calls - calls - other_observation_calls - not_counted_calls - kept_version_calls
        - synthetic_root_calls - vanished_calls as left_calls,
        server_tokens - tokens - corrected_tokens - not_counted_tokens - kept_version_tokens
        - synthetic_root_tokens - vanished_tokens as left_tokens,
        server_cost_usd - cost_usd - corrected_cost_usd - repriced_cost_usd - not_counted_cost_usd
        - kept_version_cost_usd - synthetic_root_cost_usd - vanished_cost_usd as left_cost_usd
    from joined
),

explained as (
    select
        {% for measure in parts %}
        case
            when left_calls >= merging_version_calls then merging_version_{{ measure }}
            when left_calls > 0 then least(greatest(left_{{ measure }}, 0), merging_version_{{ measure }})
            else 0
        end as merging_{{ measure }},
        {% endfor %}
        *
    from left_over
),

-- The server answers costs as doubles: what lies below a double's last digit is no difference.
with_rest as (
    select
        *,
        {% for measure in parts %}
        kept_version_{{ measure }} + merging_{{ measure }} as duplicate_{{ measure }},
        {% endfor %}
        left_calls - merging_calls as unexplained_calls,
        left_tokens - merging_tokens as unexplained_tokens,
        {% set expected = "server_cost_usd - left_cost_usd + merging_cost_usd" %}
        case
            when server_cost_usd::double precision = ({{ expected }})::double precision then 0
            else left_cost_usd - merging_cost_usd
        end as unexplained_cost_usd
    from explained
),

final as (
    select
        {{ key | join(",\n        ") }},
        project_name,
        case
            when asked_at is null then 'not asked'
            when unexplained_calls <> 0 or unexplained_tokens <> 0 or unexplained_cost_usd <> 0 then 'differs'
            when
                (server_calls, server_tokens, server_cost_usd::double precision)
                = (calls, tokens, cost_usd::double precision)
                then 'agrees'
            else 'explained'
        end as reconciliation_status,
        {% for measure in parts %}
        {% set type = "numeric" if measure == "cost_usd" else "bigint" %}
        {% for column in ["server", ""] + parts[measure] + ["unexplained"] %}
        {% set name = (column ~ "_" if column) ~ measure %}
        {{ name }}::{{ type }} as {{ "total_tokens" if name == "tokens" else name }},
        {% endfor %}
        {% endfor %}
        asked_at
    from with_rest
)

select * from final
