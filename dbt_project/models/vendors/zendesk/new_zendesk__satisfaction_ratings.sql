{%- set shape = {
    'ticket_id': 'VARCHAR', 'score': 'VARCHAR', 'created_at': 'VARCHAR', 'updated_at': 'VARCHAR', 'assignee_id': 'VARCHAR',
    'group_id': 'VARCHAR', 'requester_id': 'VARCHAR', 'reason': 'VARCHAR', 'reason_code': 'VARCHAR'
} -%}
{%- set values = [time_value('updated_at', 'p.updated_at')] -%}
with landed as ({{ landed('zendesk', 'satisfaction_ratings', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    p.score as score,
    {{ to_utc('p.created_at') }} as created_at,
    {{ usable(values) }}
    p.assignee_id as assignee_id,
    p.group_id as group_id,
    p.requester_id as requester_id,
    {#- Who chose none is given this one. #}
    case when coalesce(p.reason_code, '') <> '0' and p.reason not in ('', 'No reason provided', 'redacted') then p.reason end as reason,
    {{ rejected_values(values) }},
    {{ reject_reason([
        missing('p.ticket_id', 'ticket_id'),
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at'),
        missing('p.score', 'score'),
        unknown_value('p.score', 'score', ['offered', 'unoffered', 'good', 'bad', 'good_with_comment', 'bad_with_comment'])
    ]) }}
from landed
