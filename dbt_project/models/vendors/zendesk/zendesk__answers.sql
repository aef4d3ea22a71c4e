with surveyed as (select * from {{ ref('zendesk__survey_ratings') }}),

ranked_surveys as (
    select
        *,
        row_number() over (
            partition by source, case when is_satisfaction then coalesce(ticket_id, 'of ' || response_id) else response_id || question_id end
            order by answered_at desc, response_id desc, question_id desc
        ) as newest_no
    from surveyed
),

{#- Offers are no ratings. #}
ratings as (
    select
        r.source, r.record_id, r.ticket_id, r.requester_id, r.group_id, r.assignee_id, r.created_at, r.reason,
        case when r.score in ('good', 'good_with_comment') then 'good' else 'bad' end as verdict,
        r.deleted,
        coalesce((r.source, r.ticket_id) in (select s.source, s.ticket_id from surveyed as s where s.is_satisfaction), false) as is_surveyed
    from {{ ref('stg_zendesk__satisfaction_ratings') }} as r
    where r.created_at <= {{ as_of() }} and r.score not in ('offered', 'unoffered')
),

offers as (
    select source, ticket_id, min(created_at) as offered_at
    from {{ ref('stg_zendesk__satisfaction_ratings') }}
    where not deleted and created_at <= {{ as_of() }} and score = 'offered'
    group by source, ticket_id
),

ticket_versions as (
    select
        t.source, t.record_id as ticket_id, t.rating_score, t.created_at, t.changed_at,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}) as version_no
    from {{ ref('stg_zendesk__tickets') }} as t
    where (t.source, t.record_id) in (select r.source, r.ticket_id from ratings as r)
),

tickets as (
    select
        source, ticket_id, rating_score, changed_at,
        changed_at is null or changed_at > {{ as_of() }} as is_later
    from ticket_versions
    where version_no = 1 and created_at <= {{ as_of() }}
),

ranked as (
    select
        r.*,
        t.rating_score,
        t.ticket_id is not null as is_ticket_known,
        r.created_at > t.changed_at or t.is_later as is_newer_than_ticket,
        min(r.verdict) over (partition by r.source, r.ticket_id, r.deleted) <> max(r.verdict) over (partition by r.source, r.ticket_id, r.deleted)
            as is_edited,
        row_number() over (
            partition by r.source, r.ticket_id, r.deleted
            order by
                case when r.created_at > t.changed_at or t.is_later then 0 when r.verdict = t.rating_score then 1 else 2 end,
                r.created_at desc, try_cast(r.record_id as bigint) desc nulls last, r.record_id desc
        ) as pick_no
    from ratings as r
    left join tickets as t on r.source = t.source and r.ticket_id = t.ticket_id
),

all_ratings as (
    select
        'zendesk__satisfaction_ratings' as stream_key,
        r.source,
        r.record_id as response_id,
        'helpdesk rating' as survey,
        'rating' as question_id,
        'rating' as question_ref,
        'helpdesk rating' as question_title,
        r.ticket_id,
        r.requester_id as customer_id,
        r.group_id,
        r.assignee_id as agent_id,
        case when r.verdict = 'good' then 1e0 else 0e0 end as score,
        r.verdict as original_answer,
        0e0 as scale_min,
        1e0 as scale_max,
        'csat' as declared_kind,
        r.verdict = 'good' as is_good,
        r.is_edited,
        case
            when r.deleted then 'deleted'
            when r.is_surveyed then 'superseded'
            when not r.is_ticket_known then 'ticket never landed'
            {#- A ticket that says nothing of it takes none back. #}
            when r.pick_no > 1 or not coalesce(r.is_newer_than_ticket or r.rating_score is null or r.rating_score in ('good', 'bad'), false)
                then 'superseded'
        end as lacks,
        case when r.verdict = 'bad' then r.reason end as reason,
        r.created_at as answered_at,
        o.offered_at as sent_at
    from ranked as r
    left join offers as o on r.source = o.source and r.ticket_id = o.ticket_id
    union all
    select
        'zendesk__survey_responses' as stream_key,
        s.source,
        s.response_id,
        case when s.is_satisfaction then 'helpdesk rating' else s.survey_id end as survey,
        s.question_id,
        case when s.is_satisfaction then 'survey rating' else s.question_id end as question_ref,
        s.question_title,
        s.ticket_id,
        s.customer_id,
        cast(null as varchar) as group_id,
        cast(null as varchar) as agent_id,
        s.score,
        cast(null as varchar) as original_answer,
        s.scale_min,
        s.scale_max,
        case when s.is_satisfaction then 'csat' end as declared_kind,
        s.is_good,
        s.is_edited,
        case when s.newest_no > 1 then 'superseded' end as lacks,
        case when not coalesce(s.is_good, false) then s.reason end as reason,
        s.answered_at,
        s.sent_at
    from ranked_surveys as s
)

select
    r.*,
    r.survey as survey_title,
    r.answered_at as answered_until,
    cast(null as varchar) as customer_email_hash,
    'helpdesk_rating' as question_type,
    true as is_helpdesk,
    cast(null as varchar) as row_order,
    cast(null as double) as declared_positive_from,
    'higher_is_better' as declared_direction,
    {% for attribute in ['organization_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority'] %}
    cast(null as varchar) as {{ attribute }},
    {% endfor %}
    {{ no_dimensions() }} as dimensions
from all_ratings as r
