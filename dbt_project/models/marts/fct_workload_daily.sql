{{ config(
    materialized="incremental",
    incremental_strategy="append",
    on_schema_change="fail",
    pre_hook="{{ delete_touched_days('usage_date') }}",
    post_hook="{{ carry_days_over('usage_date') }}",
    indexes=[{"columns": ["usage_date"]}],
) }}

{% set cell = [
    "usage_date", "instance", "project_id", "project_name", "department", "agent", "prompt_name", "model",
    "canonical_model", "provider",
] %}
{% set trace_key = ["instance", "project_id", "trace_id"] %}

with

-- Read anew for each use: a copy of all calls would be larger than the table is slow.
generations as not materialized (
    select
        {{ cell | reject("equalto", "prompt_name") | join(",\n        ") }},
        coalesce(prompt_name, 'not set') as prompt_name,
        trace_id,
        is_error,
        input_tokens,
        cached_input_tokens,
        cache_write_tokens,
        total_input_tokens,
        output_tokens,
        total_tokens,
        other_usage,
        cost_usd,
        cost_basis
    from {{ ref("fct_generations") }}
    where is_counted and {{ only_touched_days("usage_date") }}
),

traces as (
    select * from {{ ref("int_traces_attributed") }}
),

measured as (
    select * from {{ ref("int_traces_measured") }}
),

scored as (
    select * from {{ ref("int_traces_scored") }}
),

days as (
    select
        {{ cell | join(",\n        ") }},
        {{ sum_of_calls() }},
        count(*) filter (where cost_basis = 'none' and total_tokens > 0) as unpriced_calls
    from generations
    group by {{ cell | join(", ") }}
),

{{ sum_of_other_usage("generations", cell) }},

-- A trace's quality speaks for a model only if the trace used no other, and once, on the day on which it began.
tasks as (
    select distinct
        {{ columns_of("generations", cell) }},
        generations.trace_id,
        scored.quality
    from generations
    inner join traces
        on
            {{ same("generations", "traces", trace_key) }}
            and generations.usage_date = traces.trace_date
    inner join measured
        on
            {{ same("generations", "measured", trace_key) }}
            and measured.model_count = 1
    inner join scored
        on
            {{ same("generations", "scored", trace_key) }}
            and scored.quality is not null
),

judged as (
    select
        {{ cell | join(",\n        ") }},
        count(*) as scored_traces,
        sum(quality) as quality_sum,
        sum(quality * quality) as quality_square_sum
    from tasks
    group by {{ cell | join(", ") }}
),

final as (
    select
        {{ columns_of("days", cell) }},
        days.calls,
        days.errors,
        days.unpriced_calls,
        days.input_tokens,
        days.cached_input_tokens,
        days.cache_write_tokens,
        days.total_input_tokens,
        days.output_tokens,
        days.total_tokens,
        other_types.other_usage,
        days.cost_usd,
        coalesce(judged.scored_traces, 0) as scored_traces,
        coalesce(judged.quality_sum, 0) as quality_sum,
        coalesce(judged.quality_square_sum, 0) as quality_square_sum
    from days
    left join other_types
        on
            {{ same("days", "other_types", cell) }}
    left join judged
        on
            {{ same("days", "judged", cell) }}
)

select * from final
