{%- set shape = {
    'ticket_id': 'VARCHAR', 'created_at': 'VARCHAR', 'updater_id': 'VARCHAR',
    'child_events': [{
        'id': 'VARCHAR', 'event_type': 'VARCHAR', 'status': 'VARCHAR', 'priority': 'VARCHAR', 'group_id': 'VARCHAR', 'support_type': 'VARCHAR',
        'assignee_id': 'VARCHAR', 'author_id': 'VARCHAR', 'public': 'BOOLEAN', 'comment_public': 'BOOLEAN', 'new_schedule_id': 'VARCHAR',
        'added_tags': ['VARCHAR'], 'via': {
            'channel': 'VARCHAR', 'source': {'rel': 'VARCHAR', 'from': {'ticket_id': 'VARCHAR', 'ticket_ids': ['VARCHAR']}}
        }
    }]
} -%}
{%- set values = [
    list_value('child_events.status', 'p.child_events', 'c', 'not ' ~ is_known('c.status', zendesk_statuses()), 'c.status'),
    list_value('child_events.priority', 'p.child_events', 'c', 'not ' ~ is_known('c.priority', zendesk_priorities()), 'c.priority')
] -%}
with landed as ({{ landed('zendesk', 'ticket_events', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    {{ to_utc('p.created_at') }} as event_at,
    p.updater_id as actor_id,
    p.child_events as children,
    case
        when {{ any_element('p.child_events', 'c', "c.event_type = 'Change' and coalesce(c.status, c.priority, c.group_id, c.assignee_id) is null") }}
            then case
                when {{ matches('payload', '"(group_id|assignee_id|priority)": ?null') }}
                    then {{ json_array_keys('payload', '$.child_events') }}
            end
    end as child_keys,
    coalesce({{ any_element('p.child_events', 'c', "c.event_type = 'Change' and c.support_type = 'agent'") }}, false) as hands_over,
    {{ rejected_values(values) }},
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at')
    ]) }}
from landed
