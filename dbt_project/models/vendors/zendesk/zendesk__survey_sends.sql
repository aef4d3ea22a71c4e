with answers as (
    select source, response_id, min(first_answered_at) as answered_at
    from {{ ref('zendesk__survey_ratings') }}
    where is_satisfaction
    group by source, response_id
),

surveys as (
    select v.source, v.record_id, max(v.ticket_id) as ticket_id, max(v.responder_id) as customer_id, max(v.sent_at) as sent_at
    from {{ ref('zendesk__survey_versions') }} as v
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
),

asked as (
    select s.source, s.record_id as invitation_id, s.ticket_id, s.customer_id, s.sent_at, a.answered_at
    from surveys as s
    left join answers as a on s.source = a.source and s.record_id = a.response_id
    union all
    select
        o.source, o.record_id as invitation_id, o.ticket_id, max(o.requester_id) as customer_id, o.created_at as sent_at,
        min(r.created_at) as answered_at
    from offers as o
    left join ratings as r
        on o.source = r.source and o.ticket_id = r.ticket_id and r.score not in ('offered', 'unoffered')
        and r.created_at >= o.created_at and r.created_at < o.next_offer_at
    group by o.source, o.record_id, o.ticket_id, o.created_at
)

select
    a.*,
    'helpdesk rating' as survey,
    true as is_helpdesk,
    cast(null as varchar) as delivery,
    cast(null as varchar) as customer_email_hash,
    {% for column in ['organization_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id'] %}
    cast(null as varchar) as {{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from asked as a
