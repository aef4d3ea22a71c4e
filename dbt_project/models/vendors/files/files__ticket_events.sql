with events as (
    select * from {{ ref('stg_files__ticket_events') }} as e
    where e.event_at <= {{ as_of() }} and not e.deleted and {{ is_touched('e') }}
),

kinds as (
    {% for kind, no, column in [('status', 1, 'status'), ('priority', 2, 'priority'), ('group', 3, 'group_id'), ('assignee', 4, 'assignee_id')] %}
    select source, ticket_id, record_id, event_at, sequence_no, {{ no }} as kind_no, '{{ kind }}' as kind, {{ column }} as value,
        actor_id, actor_role, false as is_public
    from events
    where {{ column }} is not null
    union all
    {% endfor %}
    select source, ticket_id, record_id, event_at, sequence_no, 6, 'comment', null, actor_id, actor_role, is_public
    from events
    where kind = 'comment'
)

select
    source,
    ticket_id,
    record_id as event_id,
    event_at,
    sequence_no,
    1 as child_no,
    kind_no,
    kind <> 'comment' as can_repeat,
    kind,
    value,
    actor_id,
    actor_role,
    is_public,
    coalesce(actor_role = 'system', false) as is_automatic,
    true as is_dated,
    'events' as origin
from kinds
