{{ config(meta={'settled_at': 'answered_at', 'moving': ['is_awaited']}) }}
{#- One row per survey known to have been sent. #}
select
    source, invitation_id, survey, ticket_id, customer_id, organization_id, sent_at, is_delivered, answered_at, is_answered, is_awaited,
    solved_at, previous_sent_at, is_too_soon, segment, product, service_area, complexity, channel, priority, group_id, agent_id, reminders, newest_values,
    {{ local_parts('sent_at', 'sent') }}
from {{ ref('int_survey_sends') }}
