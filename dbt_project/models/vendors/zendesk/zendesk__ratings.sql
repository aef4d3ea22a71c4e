{{ config(materialized='ephemeral') }}
{#- A ticket's current rating, from a survey or, before there were surveys, from the list of ratings: never both. Of the listed ones
    the score inside the ticket says which is current, the list when, and for whom. Where the ticket's version is older than the newest
    rating, or later than the as-of time, the list decides. Offers are no ratings. #}
with surveyed as ({{ zendesk_survey_ratings() }}),

ranked_surveys as (
    select
        *,
        row_number() over (
            partition by source, case when is_satisfaction then coalesce(ticket_id, 'of ' || response_id) else response_id || question_id end
            order by answered_at desc, response_id desc, question_id desc
        ) as newest_no
    from surveyed
),

ratings as (
    select
        r.source, r.record_id, r.ticket_id, r.requester_id, r.group_id, r.assignee_id, r.created_at,
        case when r.score in ('good', 'good_with_comment') then 'good' else 'bad' end as verdict
    from {{ ref('stg_zendesk__satisfaction_ratings') }} as r
    where not r.deleted and r.created_at <= {{ as_of() }} and r.score not in ('offered', 'unoffered')
      and not exists (select 1 from surveyed as s where s.source = r.source and s.ticket_id = r.ticket_id and s.is_satisfaction)
),

offers as (
    select source, ticket_id, min(created_at) as offered_at
    from {{ ref('stg_zendesk__satisfaction_ratings') }}
    where not deleted and created_at <= {{ as_of() }} and score = 'offered'
    group by source, ticket_id
),

ranked as (
    select
        r.*,
        t.rating_score,
        r.created_at > t.changed_at or t.changed_at > {{ as_of() }} or t.changed_at is null as is_newer_than_ticket,
        min(r.verdict) over (partition by r.source, r.ticket_id) <> max(r.verdict) over (partition by r.source, r.ticket_id) as is_edited,
        row_number() over (
            partition by r.source, r.ticket_id
            order by
                case
                    when r.created_at > t.changed_at or t.changed_at > {{ as_of() }} or t.changed_at is null then 0
                    when r.verdict = t.rating_score then 1
                    else 2
                end,
                r.created_at desc, try_cast(r.record_id as bigint) desc nulls last, r.record_id desc
        ) as pick_no
    from ratings as r
    inner join {{ ref('int_tickets') }} as t on r.source = t.source and r.ticket_id = t.ticket_id
)

select
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
    r.created_at as answered_at,
    o.offered_at as sent_at
from ranked as r
left join offers as o on r.source = o.source and r.ticket_id = o.ticket_id
where r.pick_no = 1 and (r.is_newer_than_ticket or r.rating_score in ('good', 'bad'))
union all
select
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
    s.answered_at,
    s.sent_at
from ranked_surveys as s
where s.newest_no = 1
