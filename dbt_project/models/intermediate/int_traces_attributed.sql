{{ config(indexes=[{"columns": ["instance", "project_id", "trace_id"], "unique": true}]) }}

with

traces as (
    select * from {{ ref("int_traces_rooted") }}
),

mapping as (
    select
        *,
        coalesce(valid_from, '-infinity'::date) as holds_from,
        coalesce(
            lead(valid_from) over (
                partition by dimension, match_on, match_value
                order by coalesce(valid_from, '-infinity'::date)
            ),
            'infinity'::date
        ) as holds_until
    from {{ ref("attribution_mapping") }}
),

keys as (
    {% for match_on in ["user_id", "trace_name", "project_id"] %}
    select
        instance,
        project_id,
        trace_id,
        trace_date,
        '{{ match_on }}' as match_on,
        {{ match_on }} as match_value,
        {{ loop.index }} as precedence
    from traces
    where {{ match_on }} is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
),

matches as (
    select distinct on (keys.instance, keys.project_id, keys.trace_id, mapping.dimension)
        keys.instance,
        keys.project_id,
        keys.trace_id,
        mapping.dimension,
        mapping.value
    from mapping
    inner join keys
        on
            mapping.match_on = keys.match_on
            and mapping.match_value = keys.match_value
            and mapping.holds_from <= keys.trace_date
            and mapping.holds_until > keys.trace_date
    order by keys.instance, keys.project_id, keys.trace_id, mapping.dimension, keys.precedence
),

mapped as (
    select
        instance,
        project_id,
        trace_id,
        max(value) filter (where dimension = 'department') as department,
        max(value) filter (where dimension = 'team') as team,
        max(value) filter (where dimension = 'agent') as agent,
        max(value) filter (where dimension = 'feature') as feature
    from matches
    group by instance, project_id, trace_id
),

attributed as (
    select
        traces.instance,
        traces.project_id,
        traces.trace_id,
        traces.trace_date,
        traces.trace_name,
        traces.user_id,
        traces.session_id,
        traces.release,
        traces.started_at,
        traces.ended_at,
        coalesce(traces.environment, 'default') as environment,
        coalesce(traces.department, mapped.department, 'unattributed') as department,
        coalesce(traces.team, mapped.team, 'unattributed') as team,
        coalesce(traces.agent, mapped.agent, 'unattributed') as agent,
        coalesce(traces.feature, mapped.feature, 'unattributed') as feature,
        coalesce(traces.dimension_1, 'not set') as dimension_1,
        coalesce(traces.dimension_2, 'not set') as dimension_2
    from traces
    left join mapped
        on
            traces.instance = mapped.instance
            and traces.project_id = mapped.project_id
            and traces.trace_id = mapped.trace_id
)

select * from attributed
