{{ config(materialized='ephemeral') }}
{#- A ticket's current rating. The score inside the ticket says which one is current; the list says when, and for whom. Where the
    ticket's version is older than the newest rating, or later than the as-of time, the list decides. Offers are no ratings. #}
with ratings as (
    select
        r.source, r.record_id, r.ticket_id, r.requester_id, r.group_id, r.assignee_id, r.created_at,
        case when r.score in ('good', 'good_with_comment') then 'good' else 'bad' end as verdict
    from {{ ref('stg_zendesk__satisfaction_ratings') }} as r
    where not r.deleted and r.created_at <= {{ as_of() }} and r.score not in ('offered', 'unoffered')
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
        row_number() over (
            partition by r.source, r.ticket_id
            order by
                case
                    when r.created_at > t.changed_at or t.changed_at > {{ as_of() }} or t.changed_at is null then 0
                    when r.verdict = t.rating_score then 1
                    else 2
                end,
                r.created_at desc, try_cast(r.record_id as bigint) desc, r.record_id desc
        ) as pick_no
    from ratings as r
    inner join {{ ref('int_tickets') }} as t on r.source = t.source and r.ticket_id = t.ticket_id
)

select
    r.source,
    r.record_id as response_id,
    r.ticket_id,
    r.requester_id as customer_id,
    r.group_id,
    r.assignee_id as agent_id,
    case when r.verdict = 'good' then 1e0 else 0e0 end as score,
    r.created_at as answered_at,
    o.offered_at as sent_at
from ranked as r
left join offers as o on r.source = o.source and r.ticket_id = o.ticket_id
where r.pick_no = 1 and (r.is_newer_than_ticket or r.rating_score in ('good', 'bad'))
