{{ config(indexes=[{"columns": ["utc_date"]}]) }}

{% set key = ["utc_date", "instance", "project_id"] %}
{% set measures = {"calls": "calls", "tokens": "total_tokens", "cost_usd": "total_cost_usd"} %}

with

days as (
    select * from {{ ref("int_utc_days_touched") }}
),

rows_counted as (
    select * from {{ ref("int_server_rows_counted") }}
),

totals as (
    select * from {{ ref("stg_langfuse__server_totals") }}
    where utc_date in (select days.utc_date from days)
),

server_days as (
    select * from {{ ref("stg_langfuse__server_days") }}
    where utc_date in (select days.utc_date from days) and batch_id is not null
),

changed as (
    select
        {{ key | join(",\n        ") }},
        max(last_batch_id) as batch_id
    from rows_counted
    group by {{ key | join(", ") }}
),

-- What the server said before a load changed the day is no longer comparable.
current_answers as (
    select server_days.*
    from server_days
    left join changed
        on
            {{ same("server_days", "changed", key) }}
    where changed.batch_id is null or server_days.batch_id >= changed.batch_id
),

cells as (
    select {{ key | join(", ") }}, model from rows_counted
    union
    select {{ key | join(", ") }}, model from totals
),

-- The v3 API shows the newest version of an observation alone, and no roots that stand for traces.
joined as (
    select
        {{ columns_of("cells", key + ["model"]) }},
        current_answers.asked_at,
        {% for measure, total in measures.items() %}
        case when current_answers.asked_at is not null then coalesce(totals.{{ total }}, 0) end as server_{{ measure }},
        coalesce(rows_counted.vanished_{{ measure }}, 0) as vanished_{{ measure }},
        case
            when current_answers.api = 'v3' then 0 else coalesce(rows_counted.synthetic_root_{{ measure }}, 0)
        end as synthetic_root_{{ measure }},
        case
            when current_answers.api = 'v3' then 0 else coalesce(rows_counted.kept_version_{{ measure }}, 0)
        end as kept_version_{{ measure }},
        case
            when current_answers.api = 'v3' then coalesce(rows_counted.kept_version_{{ measure }}, 0) else 0
        end + coalesce(rows_counted.merging_version_{{ measure }}, 0) as merging_version_{{ measure }},
        {% endfor %}
        coalesce(rows_counted.observations, 0) as observations
    from cells
    left join current_answers
        on
            {{ same("cells", "current_answers", key) }}
    left join rows_counted
        on
            {{ same("cells", "rows_counted", key + ["model"]) }}
    left join totals
        on
            {{ same("cells", "totals", key + ["model"]) }}
)

select * from joined
