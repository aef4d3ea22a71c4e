{#- Zendesk's CSAT surveys, which took the place of the ratings good and bad. #}

{#- Every version of a response by the ticket that it is about; a request is a ticket as its customer sees it. #}
{% macro zendesk_survey_versions() %}
select v.*, s.ticket_id
from {{ ref('stg_zendesk__survey_responses') }} as v
left join (
    select source, record_id, max(subject.id) as ticket_id
    from (select source, record_id, unnest(subjects) as subject from {{ ref('stg_zendesk__survey_responses') }}) as u
    where subject.type in ('ticket', 'request')
    group by source, record_id
) as s on v.source = s.source and v.record_id = s.record_id
where not v.deleted
{% endmacro %}

{#- Ratings given up to the as-of time, one row per response and rating question, as they were then. The scale is that of the version
    of the survey that was answered, else of the first known one. Zendesk itself says what is good: on five points 4 and 5. #}
{% macro zendesk_survey_ratings() %}
with given as (
    select v.source, v.record_id, v.ticket_id, v.responder_id, v.survey_id, v.survey_version, v.sent_at, v.changed_at, v.fetched_at,
        unnest(v.answers) as answer
    from ({{ zendesk_survey_versions() }}) as v
),

dated as (
    select
        *,
        {{ usable_time('answer.created_at') }} as first_answered_at,
        coalesce({{ usable_time('answer.updated_at') }}, {{ usable_time('answer.created_at') }}) as answered_at
    from given
    where answer.type = 'rating_scale' and answer.rating is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, record_id, answer.question.id order by answered_at desc, changed_at desc nulls last, fetched_at desc
        ) as newest_no
    from dated
    where answered_at <= {{ as_of() }}
),

questions as (
    select source, record_id as survey_id, survey_version, changed_at, unnest(questions) as question from {{ ref('stg_zendesk__surveys') }}
),

options as (
    select source, survey_id, survey_version, changed_at, question.id as question_id, question.headline.value as title,
        unnest(question.options) as choice
    from questions
),

scales as (
    select
        source, survey_id, survey_version, question_id,
        max(title) as title,
        min(choice.rating) as scale_min,
        max(choice.rating) as scale_max,
        row_number() over (partition by source, survey_id, question_id order by survey_version) as version_no
    from options
    group by source, survey_id, survey_version, question_id
)

select
    r.source,
    r.record_id as response_id,
    r.survey_id,
    r.answer.question.id as question_id,
    coalesce(e.title, f.title) as question_title,
    coalesce(r.answer.question.sub_type = 'customer_satisfaction', false) as is_satisfaction,
    r.ticket_id,
    r.responder_id as customer_id,
    r.answer.rating as score,
    coalesce(e.scale_min, f.scale_min) as scale_min,
    coalesce(e.scale_max, f.scale_max) as scale_max,
    r.answer.rating_category = 'good' as is_good,
    r.answered_at > r.first_answered_at as is_edited,
    r.first_answered_at,
    r.answered_at,
    r.sent_at
from ranked as r
left join scales as e
    on r.source = e.source and r.survey_id = e.survey_id and r.survey_version = e.survey_version and r.answer.question.id = e.question_id
left join scales as f
    on r.source = f.source and r.survey_id = f.survey_id and r.answer.question.id = f.question_id and f.version_no = 1
where r.newest_no = 1
{% endmacro %}

{#- Ratings that the helpdesk asked for up to the as-of time, one row per question sent. Whether they were delivered it does not say. #}
{% macro zendesk_survey_sends() %}
with rated as ({{ zendesk_survey_ratings() }}),

answers as (
    select source, response_id, min(first_answered_at) as answered_at from rated where is_satisfaction group by source, response_id
),

surveys as (
    select v.source, v.record_id, max(v.ticket_id) as ticket_id, max(v.responder_id) as customer_id, max(v.sent_at) as sent_at
    from ({{ zendesk_survey_versions() }}) as v
    where v.sent_at <= {{ as_of() }}
    group by v.source, v.record_id
),

ratings as (
    select r.source, r.record_id, r.ticket_id, r.requester_id, r.score, r.created_at
    from {{ ref('stg_zendesk__satisfaction_ratings') }} as r
    where not r.deleted and r.created_at <= {{ as_of() }}
      and not exists (select 1 from surveys as s where s.source = r.source and s.ticket_id = r.ticket_id)
),

{#- An offer is answered by what follows before the next offer. #}
offers as (
    select
        *,
        coalesce(lead(created_at) over (partition by source, ticket_id order by created_at, record_id), {{ the_end() }}) as next_offer_at
    from ratings
    where score = 'offered'
)

select s.source, s.record_id as invitation_id, s.ticket_id, s.customer_id, s.sent_at, a.answered_at
from surveys as s
left join answers as a on s.source = a.source and s.record_id = a.response_id
union all
select o.source, o.record_id as invitation_id, o.ticket_id, max(o.requester_id) as customer_id, o.created_at as sent_at, min(r.created_at) as answered_at
from offers as o
left join ratings as r
    on o.source = r.source and o.ticket_id = r.ticket_id and r.score not in ('offered', 'unoffered')
    and r.created_at >= o.created_at and r.created_at < o.next_offer_at
group by o.source, o.record_id, o.ticket_id, o.created_at
{% endmacro %}
