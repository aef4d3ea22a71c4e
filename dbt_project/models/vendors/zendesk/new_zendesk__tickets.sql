{%- set minutes = {'calendar': 'VARCHAR', 'business': 'VARCHAR'} -%}
{%- set shape = {
    'url': 'VARCHAR',
    'created_at': 'VARCHAR', 'updated_at': 'VARCHAR', 'status': 'VARCHAR', 'priority': 'VARCHAR', 'type': 'VARCHAR', 'support_type': 'VARCHAR',
    'is_public': 'BOOLEAN',
    'requester_id': 'VARCHAR', 'submitter_id': 'VARCHAR', 'assignee_id': 'VARCHAR', 'organization_id': 'VARCHAR',
    'group_id': 'VARCHAR', 'brand_id': 'VARCHAR', 'problem_id': 'VARCHAR', 'followup_ids': ['VARCHAR'],
    'via': {'channel': 'VARCHAR', 'source': {'rel': 'VARCHAR', 'from': {'ticket_id': 'VARCHAR'}}}, 'tags': ['VARCHAR'],
    'collaborator_ids': ['VARCHAR'], 'custom_fields': [{'id': 'VARCHAR', 'value': 'VARCHAR'}],
    'satisfaction_rating': {'id': 'VARCHAR', 'score': 'VARCHAR', 'reason': 'VARCHAR'},
    'metric_set': {
        'reopens': 'VARCHAR', 'replies': 'VARCHAR', 'group_stations': 'VARCHAR', 'assignee_stations': 'VARCHAR',
        'reply_time_in_seconds': {'calendar': 'VARCHAR'}, 'reply_time_in_minutes': minutes,
        'first_resolution_time_in_minutes': minutes, 'full_resolution_time_in_minutes': minutes,
        'requester_wait_time_in_minutes': minutes, 'agent_wait_time_in_minutes': minutes, 'on_hold_time_in_minutes': minutes,
        'solved_at': 'VARCHAR', 'status_updated_at': 'VARCHAR', 'custom_status_updated_at': 'VARCHAR', 'assignee_updated_at': 'VARCHAR',
        'initially_assigned_at': 'VARCHAR'
    }
} -%}
{%- set values = [time_value('updated_at', 'p.updated_at'), word_value('support_type', 'p.support_type', zendesk_support_types())] -%}
{%- for time in ['solved_at', 'status_updated_at', 'custom_status_updated_at', 'assignee_updated_at', 'initially_assigned_at'] -%}
{%- do values.append(time_value('vendor_' ~ time, 'p.metric_set.' ~ time)) -%}
{%- endfor -%}
{%- for count in ['reopens', 'replies', 'group_stations', 'assignee_stations'] -%}
{%- do values.append(number_value('vendor_' ~ count, 'p.metric_set.' ~ count)) -%}
{%- endfor -%}
{%- do values.append(number_value('vendor_first_reply_seconds', 'p.metric_set.reply_time_in_seconds.calendar', 'double')) -%}
{%- for measure, field in {
    'first_reply': 'reply', 'first_resolution': 'first_resolution', 'full_resolution': 'full_resolution',
    'requester_wait': 'requester_wait', 'agent_wait': 'agent_wait', 'on_hold': 'on_hold'
}.items() -%}
{%- set place = 'p.metric_set.' ~ field ~ '_time_in_minutes.' -%}
{%- do values.append(number_value('vendor_' ~ measure ~ '_minutes', place ~ 'calendar', 'double')) -%}
{%- do values.append(number_value('vendor_' ~ measure ~ '_business_minutes', place ~ 'business', 'double')) -%}
{%- endfor -%}
{#- The word that is none of ours stays as the source's own. #}
{%- set word = {
    'field': 'priority', 'text': 'p.priority', 'fault': 'case when not ' ~ is_known('p.priority', zendesk_priorities()) ~ " then 'is unknown' end"
} -%}
with landed as ({{ landed('zendesk', 'tickets', shape) }})

select
    {{ envelope() }},
    {{ to_utc('p.created_at') }} as created_at,
    p.url as api_url,
    p.status as status,
    p.priority as priority,
    p.type as ticket_type,
    p.requester_id as requester_id,
    p.submitter_id as submitter_id,
    p.assignee_id as assignee_id,
    p.organization_id as organization_id,
    p.group_id as group_id,
    p.brand_id as brand_id,
    p.via.channel as channel,
    p.is_public as is_public,
    p.via.source.rel = 'outbound' as is_outgoing,
    case
        when p.via.source.rel = 'follow_up' then 'follow_up'
        when 'side_conversation' in (p.via.source.rel, p.via.channel) then 'side_conversation'
    end as origin_relation,
    p.via.source['from'].ticket_id as origin_ticket_id,
    p.problem_id as problem_id,
    p.followup_ids as followup_ids,
    p.tags as tags,
    p.collaborator_ids as collaborator_ids,
    p.custom_fields as custom_fields,
    p.satisfaction_rating.id as rating_id,
    p.satisfaction_rating.score as rating_score,
    p.satisfaction_rating.reason as rating_reason,
    {{ usable(values) }}
    {{ rejected_values(values + [word]) }},
    {{ reject_reason([
        missing('p.created_at', 'created_at'),
        bad_time('p.created_at', 'created_at'),
        missing('p.status', 'status'),
        unknown_value('p.status', 'status', zendesk_statuses())
    ]) }}
from landed
