{#- Freshdesk's codes. A number may come as a text. #}
{% macro freshdesk_priorities() %}{{ return({'1': 'low', '2': 'normal', '3': 'high', '4': 'urgent'}) }}{% endmacro %}

{% macro freshdesk_channels() %}
{{ return({
    '1': 'email', '2': 'portal', '3': 'phone', '4': 'forum', '5': 'twitter', '6': 'facebook', '7': 'chat', '9': 'feedback_widget', '10': 'outbound_email',
    '11': 'ecommerce', '12': 'bot', '13': 'whatsapp', '15': 'web_chat'
}) }}
{% endmacro %}

{% macro freshdesk_word(code, words) -%}
case {{ code }}{% for known, word in words.items() %} when '{{ known }}' then '{{ word }}'{% endfor %} end
{%- endmacro %}

{#- Of the account's own ones its field says more; two of them every account begins with. #}
{% macro freshdesk_status(code, own) -%}
coalesce({{ freshdesk_word(code, {'2': 'open', '3': 'pending', '4': 'solved', '5': 'closed'}) }}, {{ own }},
        {{ freshdesk_word(code, {'6': 'pending', '7': 'hold'}) }}, 'open')
{%- endmacro %}

{% macro freshdesk_ratings() %}{{ return(['103', '102', '101', '100', '-101', '-102', '-103']) }}{% endmacro %}

{% macro freshdesk_question(id) -%}
case when {{ matches(id, '^[0-9]+$') }} then 'question_' || {{ id }} else {{ id }} end
{%- endmacro %}

{#- Minutes of the day of a text such as 8:00 am, 08:00:00 am or 17:30. #}
{% macro freshdesk_minutes(text) -%}
case
        when {{ matches('lower(' ~ text ~ ')', '^ *([01]?[0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9])? *([ap]m)? *$') }}
            then try_cast(split_part(trim({{ text }}), ':', 1) as bigint) % case when lower({{ text }}) like '%m%' then 12 else 25 end * 60
                + try_cast(substr(split_part({{ text }}, ':', 2), 1, 2) as bigint)
                + case when lower({{ text }}) like '%pm%' then 720 else 0 end
    end
{%- endmacro %}

{% macro freshdesk_days() %}{{ return(['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']) }}{% endmacro %}

{#- The three lists of tickets: those that count, deleted ones and spam. #}
{% macro freshdesk_ticket_lists() %}{{ return(['tickets', 'deleted_tickets', 'spam_tickets']) }}{% endmacro %}

{% macro freshdesk_stats() %}
{{ return([
    'agent_responded_at', 'requester_responded_at', 'first_responded_at', 'status_updated_at', 'reopened_at', 'resolved_at', 'closed_at', 'pending_since'
]) }}
{% endmacro %}

{% macro freshdesk_parsed_tickets(list) %}
{%- set stats = {} -%}
{%- for time in freshdesk_stats() -%}{%- do stats.update({time: 'VARCHAR'}) -%}{%- endfor -%}
{%- set shape = {
    'created_at': 'VARCHAR', 'status': 'VARCHAR', 'priority': 'VARCHAR', 'source': 'VARCHAR', 'type': 'VARCHAR', 'requester_id': 'VARCHAR',
    'responder_id': 'VARCHAR', 'group_id': 'VARCHAR', 'company_id': 'VARCHAR', 'product_id': 'VARCHAR', 'due_by': 'VARCHAR',
    'fr_due_by': 'VARCHAR', 'nr_due_by': 'VARCHAR', 'is_escalated': 'BOOLEAN', 'fr_escalated': 'BOOLEAN', 'nr_escalated': 'BOOLEAN',
    'spam': 'BOOLEAN', 'deleted': 'BOOLEAN', 'tags': ['VARCHAR'], 'association_type': 'VARCHAR', 'associated_tickets_list': ['VARCHAR'],
    'custom_fields': 'JSON', 'stats': stats
} -%}
{%- set values = [] -%}
{%- for due in ['due_by', 'fr_due_by', 'nr_due_by'] -%}{%- do values.append(time_value(due, 'p.' ~ due, due_days())) -%}{%- endfor -%}
{%- for time in freshdesk_stats() -%}{%- do values.append(time_value('vendor_' ~ time, 'p.stats.' ~ time)) -%}{%- endfor -%}
{%- set priority = freshdesk_word('p.priority', freshdesk_priorities()) -%}
{#- A number that is none of the four is no priority. #}
{%- set word = {
    'field': 'priority', 'text': 'p.priority', 'fault': "case when p.priority <> '' and " ~ priority ~ " is null then 'is unknown' end"
} -%}
with landed as ({{ landed('freshdesk', list, shape) }})

select
    {{ envelope() }},
    {{ to_utc('p.created_at') }} as created_at,
    p.status as status_code,
    {{ priority }} as priority,
    p.priority as priority_code,
    p.source as source_code,
    coalesce({{ freshdesk_word('p.source', freshdesk_channels()) }}, 'source ' || nullif(p.source, '')) as channel,
    p.type as ticket_type,
    p.requester_id as requester_id,
    nullif(p.responder_id, '') as responder_id,
    nullif(p.group_id, '') as group_id,
    nullif(p.company_id, '') as company_id,
    nullif(p.product_id, '') as product_id,
    p.is_escalated as is_escalated,
    p.fr_escalated as fr_escalated,
    p.nr_escalated as nr_escalated,
    {{ 'true' if list == 'spam_tickets' else 'coalesce(p.spam, false)' }} as is_spam,
    {{ 'true' if list == 'deleted_tickets' else 'deleted or coalesce(p.deleted, false)' }} as is_deleted,
    p.tags as tags,
    p.association_type as association_type,
    p.associated_tickets_list as associated_tickets,
    {{ json_pairs('p.custom_fields') }} as custom_fields,
    {{ usable(values) }}
    {{ rejected_values(values + [word]) }},
    {#- Of one that is gone no more than its id need be known. #}
    {{ reject_reason([
        'case when not deleted or p.created_at is not null then coalesce(' ~ missing('p.created_at', 'created_at') ~ ', '
        ~ bad_time('p.created_at', 'created_at') ~ ', ' ~ missing('p.status', 'status')
        ~ ", case when coalesce(try_cast(p.status as bigint) < 2, true) then 'status has an unknown value' end) end"
    ]) }}
from landed
{% endmacro %}

{% macro freshdesk_parsed_contacts(list) %}
{%- set shape = {'company_id': 'VARCHAR', 'deleted': 'BOOLEAN', 'created_at': 'VARCHAR'} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
with landed as ({{ landed('freshdesk', list, shape) }})

select
    {{ envelope() }},
    not deleted and not coalesce(p.deleted, false) as is_active,
    nullif(p.company_id, '') as company_id,
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason(['null']) }}
from landed
{% endmacro %}
