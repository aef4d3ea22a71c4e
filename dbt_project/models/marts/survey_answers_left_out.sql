{{ config(meta={'settled_at': 'answered_at', 'moving': ['left_out']}) }}
{#- Every answer that landed and does not count, and why. #}
select
    source, response_id, question_id, survey, question_type, left_out, kind, score, answered_at, ticket_id, is_ticket_known
from {{ ref('int_answers') }}
where left_out is not null
