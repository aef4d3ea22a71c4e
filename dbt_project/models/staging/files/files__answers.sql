{{ config(materialized='ephemeral') }}
{#- Survey answers of exported files. A row without a score is no answer; an answer without a date counts in period all only. #}
select
    a.source,
    a.response_id,
    coalesce(a.question.survey, a.source) as survey,
    coalesce(a.question.survey, a.source) as survey_title,
    a.question.id as question_id,
    a.question.id as question_ref,
    a.question.text as question_title,
    'declared' as question_type,
    a.score,
    a.question.scale_min as scale_min,
    a.question.scale_max as scale_max,
    a.question.kind as declared_kind,
    a.question.positive_from as declared_positive_from,
    a.question.direction as declared_direction,
    a.answered_at,
    a.sent_at,
    a.ticket_id,
    a.customer_id,
    a.segment,
    a.product,
    a.service_area,
    a.complexity,
    a.channel,
    a.priority,
    a.group_id,
    a.agent_id,
    a.organization_id
from {{ ref('stg_files__survey_answers') }} as a
where not a.deleted and a.score is not null and coalesce(a.answered_at <= {{ as_of() }}, true)
