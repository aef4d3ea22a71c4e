{#- What was left out of rows that are in the marts, and why. A later good version of a record does not remove what staging left out of an
    earlier one. #}
select
    r.source,
    replace(r.model, 'stg_', '') as stream,
    r.record_id,
    r.field,
    r.value_shape,
    r.reason,
    cast(null as varchar) as ticket_id,
    r.batch_id
from {{ source('control', 'rejected_values') }} as r
union all
select source, stream, record_id, field, value_shape, reason, ticket_id, null
from {{ ref('int_rejected_values') }}
union all
select
    source, 'survey_answers', response_id || '/' || question_id, 'sent_at', {{ time_shape() }}, 'is after the answer', ticket_id, null
from {{ ref('int_answers') }}
where is_sent_misdated and left_out is null
union all
select
    source, 'survey_sends', invitation_id, 'answered_at', {{ time_shape() }}, 'is before the survey was sent', ticket_id, null
from {{ ref('int_survey_sends') }}
where is_answer_misdated
