{{ config(meta={'settled_at': 'answered_at', 'moving': []}) }}
{#- One row per counted answer to a declared question. #}
select
    source, response_id, question_id, survey, kind, score, original_answer, scale_min, scale_max, direction, rule, is_positive, is_easy, nps_class,
    is_changed, answered_at, sent_at, customer_id, organization_id, ticket_id, segment, product, service_area, complexity, channel, priority,
    group_id, agent_id, is_headline, reason, support_type, is_ticket_known, newest_values,
    {{ local_parts('a.answered_at', 'answered') }}
from {{ ref('int_answers') }} as a
where {{ is_counted_answer('a') }}
