{%- set shape = {
    'ticket_id': 'VARCHAR', 'survey_id': 'VARCHAR', 'user_id': 'VARCHAR', 'agent_id': 'VARCHAR', 'group_id': 'VARCHAR', 'created_at': 'VARCHAR',
    'ratings': 'JSON'
} -%}
{%- set ratings = json_pairs('p.ratings') -%}
{%- set values = [
    list_value('ratings', ratings, 'r', "r.value <> '' and not " ~ is_known('r.value', freshdesk_ratings()), "concat(r.key, ': ', r.value)")
] -%}
with landed as ({{ landed('freshdesk', 'satisfaction_ratings', shape) }})

select
    {{ envelope() }},
    p.ticket_id as ticket_id,
    p.survey_id as survey_id,
    p.user_id as customer_id,
    nullif(p.agent_id, '') as agent_id,
    nullif(p.group_id, '') as group_id,
    {{ to_utc('p.created_at') }} as answered_at,
    {{ elements_where(ratings, 'r', is_known('r.value', freshdesk_ratings())) }} as ratings,
    {{ rejected_values(values) }},
    {{ reject_reason([
        'case when not deleted then coalesce(' ~ missing('p.ticket_id', 'ticket_id') ~ ', ' ~ missing('p.created_at', 'created_at') ~ ', '
        ~ bad_time('p.created_at', 'created_at') ~ ') end'
    ]) }}
from landed
