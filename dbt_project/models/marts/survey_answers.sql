{#- One row per counted answer to a declared question. #}
select
    source, response_id, question_id, survey, kind, score, scale_min, scale_max, is_positive, nps_class, answered_at, sent_at, customer_id,
    ticket_id, segment, product, service_area, complexity, channel, priority, group_id, agent_id, is_headline
from {{ ref('int_answers') }}
where kind in ('csat', 'nps', 'ces') and is_in_scale
