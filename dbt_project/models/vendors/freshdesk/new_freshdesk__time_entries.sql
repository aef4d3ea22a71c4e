{%- set shape = {
    'ticket_id': 'VARCHAR', 'agent_id': 'VARCHAR', 'time_spent': 'VARCHAR', 'executed_at': 'VARCHAR', 'created_at': 'VARCHAR'
} -%}
{%- set seconds -%}
case
        when {{ matches('p.time_spent', '^[0-9]{1,6}:[0-9]{2}$') }}
            then try_cast(split_part(p.time_spent, ':', 1) as double) * 3600 + try_cast(split_part(p.time_spent, ':', 2) as double) * 60
    end
{%- endset -%}
{%- set values = [
    time_value('executed_at', 'p.executed_at'),
    {
        'field': 'spent_seconds', 'text': 'p.time_spent', 'value': seconds,
        'fault': "case when p.time_spent not in ('', 'redacted') and " ~ seconds ~ " is null then 'is no duration' end"
    }
] -%}
with landed as ({{ landed('freshdesk', 'time_entries', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    nullif(p.agent_id, '') as agent_id,
    {{ to_utc('p.created_at') }} as created_at,
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason(['case when not deleted then ' ~ missing('p.ticket_id', 'ticket_id') ~ ' end']) }}
from landed
