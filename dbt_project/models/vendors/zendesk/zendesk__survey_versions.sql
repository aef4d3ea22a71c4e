with subjects as (
    select source, record_id, unnest(subjects) as subject from {{ ref('stg_zendesk__survey_responses') }}
),

{#- A request is a ticket as its customer sees it. #}
about as (
    select source, record_id, max(subject.id) as ticket_id
    from subjects
    where subject.type in ('ticket', 'request')
    group by source, record_id
)

select
    v.source, v.record_id, a.ticket_id, v.responder_id, v.survey_id, v.survey_version, v.sent_at, v.answers, v.changed_at, v.fetched_at
from {{ ref('stg_zendesk__survey_responses') }} as v
left join about as a on v.source = a.source and v.record_id = a.record_id
where not v.deleted
