{%- set shape = {
    'ticket_id': 'VARCHAR', 'created_at': 'VARCHAR', 'author_id': 'VARCHAR',
    'events': [{
        'id': 'VARCHAR', 'type': 'VARCHAR', 'field_name': 'VARCHAR', 'value': 'VARCHAR', 'previous_value': 'VARCHAR', 'author_id': 'VARCHAR',
        'public': 'BOOLEAN', 'new_schedule_id': 'VARCHAR', 'via': {
            'channel': 'VARCHAR', 'source': {'rel': 'VARCHAR', 'from': {'ticket_id': 'VARCHAR', 'ticket_ids': ['VARCHAR']}}
        }
    }]
} -%}
{%- set values = [] -%}
{%- for field, known in {'status': zendesk_statuses(), 'priority': zendesk_priorities()}.items() -%}
{%- do values.append(list_value(
    'events.' ~ field, 'p.events', 'c', "c.field_name = '" ~ field ~ "' and not " ~ is_known('c.value', known), 'c.value'
)) -%}
{%- endfor -%}
with landed as ({{ landed('zendesk', 'ticket_audits', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    {{ to_utc('p.created_at') }} as event_at,
    p.author_id as actor_id,
    p.events as children,
    coalesce({{ any_element('p.events', 'c', "c.type = 'Change' and c.field_name = 'support_type' and c.value = 'agent'") }}, false) as hands_over,
    {{ rejected_values(values) }},
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at')
    ]) }}
from landed
