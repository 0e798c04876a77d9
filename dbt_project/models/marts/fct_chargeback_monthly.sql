{{ config(materialized="view") }}

{% set cell = [
    "service_month", "instance", "project_id", "department", "team", "agent", "canonical_model",
] %}

with

months as (
    select
        usage_month as service_month,
        instance,
        project_id,
        project_name,
        department,
        team,
        agent,
        canonical_model,
        calls,
        cost_usd
    from {{ ref("fct_usage_monthly") }}
),

closings as (
    select * from {{ source("operations", "closed_months") }}
    where reopened_at is null
),

closed_costs as (
    select * from {{ source("operations", "closed_costs") }}
),

frozen as (
    select closed_costs.*
    from closed_costs
    inner join closings on closed_costs.closing_id = closings.closing_id
),

-- What came after a month was closed is charged in the month after the last closed one.
last_closing as (
    select
        max(month) as month,
        (max(month) + interval '1 month')::date as open_month
    from closings
),

charged as (
    select
        {{ cell | join(",\n        ") }},
        max(project_name) as project_name,
        sum(calls) as calls,
        sum(cost_usd) as cost_usd
    from frozen
    group by {{ cell | join(", ") }}
),

-- A month is compared with what was charged for it so far; in one that is open that is nothing.
compared as (
    select
        {% for column in cell -%}
        coalesce(months.{{ column }}, charged.{{ column }}) as {{ column }},
        {% endfor -%}
        coalesce(months.project_name, charged.project_name) as project_name,
        (coalesce(months.calls, 0) - coalesce(charged.calls, 0))::bigint as calls,
        coalesce(months.cost_usd, 0) - coalesce(charged.cost_usd, 0) as cost_usd
    from months
    full outer join charged
        on
            {{ same("months", "charged", cell) }}
),

posted as (
    select
        compared.*,
        coalesce(compared.service_month <= last_closing.month, false) as is_service_closed,
        last_closing.open_month
    from compared
    cross join last_closing
),

final as (
    select
        case when is_service_closed then open_month else service_month end as posting_month,
        service_month,
        instance,
        project_id,
        project_name,
        department,
        team,
        agent,
        canonical_model,
        case
            when not is_service_closed then 'usage'
            when calls > 0 then 'late'
            else 'restatement'
        end as kind,
        false as is_closed,
        calls,
        cost_usd
    from posted
    where not is_service_closed or calls <> 0 or cost_usd <> 0
    union all
    select
        posting_month,
        service_month,
        instance,
        project_id,
        project_name,
        department,
        team,
        agent,
        canonical_model,
        kind,
        true as is_closed,
        calls,
        cost_usd
    from frozen
)

select * from final
