with

observations as (
    select * from {{ ref("int_observations_placed") }}
),

error_types as (
    select * from {{ ref("error_types") }}
),

-- The same few messages come again and again, so each is looked at once.
messages as (
    select distinct status_message
    from observations
    where is_error and is_day_touched and status_message is not null
),

-- The beginning tells what it was; what follows is often a whole request or stack.
typed as (
    select distinct on (messages.status_message)
        messages.status_message,
        error_types.error_type
    from messages
    inner join error_types on left(messages.status_message, 2000) ~* error_types.pattern
    order by messages.status_message, error_types.priority
)

select * from typed
