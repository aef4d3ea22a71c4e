{%- set shape = {
    'ticket_id': 'VARCHAR', 'user_id': 'VARCHAR', 'incoming': 'BOOLEAN', 'private': 'BOOLEAN', 'source': 'VARCHAR', 'created_at': 'VARCHAR',
    'auto_response': 'BOOLEAN', 'automation_id': 'VARCHAR', 'body_text': 'VARCHAR'
} -%}
with landed as ({{ landed('freshdesk', 'conversations', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    {{ to_utc('p.created_at') }} as event_at,
    p.user_id as actor_id,
    p.incoming as is_incoming,
    coalesce(p.private, false) as is_private,
    p.source as source_code,
    coalesce(p.auto_response, false) or coalesce(p.automation_id, '') <> '' as is_automatic,
    {#- What the note of a merge or a split names; of the text itself nothing is kept. #}
    {% for column, words in {'merged_into_id': 'closed and merged into ticket', 'split_to_id': 'split (?:in)?to (?:new )?ticket'}.items() %}
    case when not p.incoming then nullif({{ matched_part('lower(p.body_text)', words ~ '[^0-9]{0,20}([0-9]+)') }}, '') end as {{ column }},
    {% endfor %}
    {{ rejected_values() }},
    {{ reject_reason([
        'case when not deleted then coalesce(' ~ missing('p.ticket_id', 'ticket_id') ~ ', ' ~ missing('p.created_at', 'created_at') ~ ', '
        ~ bad_time('p.created_at', 'created_at') ~ ') end'
    ]) }}
from landed
