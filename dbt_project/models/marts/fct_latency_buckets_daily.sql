{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

with

generations as (
    select * from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

measured as (
    {% for measure in ["latency_ms", "time_to_first_token_ms"] %}
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        agent,
        model,
        '{{ measure }}' as measure,
        public.latency_bucket({{ measure }}) as bucket
    from generations
    where {{ measure }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

buckets as (
    select
        usage_date,
        instance,
        project_id,
        project_name,
        environment,
        department,
        agent,
        model,
        measure,
        bucket,
        count(*) as calls
    from measured
    group by
        usage_date, instance, project_id, project_name, environment, department, agent, model, measure, bucket
)

select * from buckets
