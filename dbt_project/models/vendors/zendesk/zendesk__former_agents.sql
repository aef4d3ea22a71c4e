{{ config(meta={'next_at': 'horizon'}, materialized='table') }}
{#- Deleted and inactive end users of whom the history shows an agent's work: they held a ticket, wrote an internal note, changed or solved
    what others had asked, or the vendor's own reply clock or count took their comment for a reply. All others are customers, but for active
    ones who hold tickets, which only agents can. #}
with inactive as (
    select source, record_id as user_id
    from {{ ref('stg_zendesk__users') }}
    group by source, record_id
    having bool_or(role = 'end-user' and not is_active)
),

holders as (
    select u.source, u.record_id as user_id
    from {{ ref('stg_zendesk__users') }} as u
    where (u.source, u.record_id) in (select t.source, t.assignee_id from {{ ref('stg_zendesk__tickets') }} as t)
    group by u.source, u.record_id
    having bool_and(u.role = 'end-user' and u.is_active)
),

{#- Where they did something. #}
their_events as (
    select e.source, e.ticket_id, e.record_id, e.event_at, e.actor_id, e.children
    from {{ ref('stg_zendesk__ticket_events') }} as e
    where e.event_at <= {{ as_of() }}
      and (e.source, e.ticket_id) in (
          select a.source, a.ticket_id
          from {{ ref('stg_zendesk__ticket_events') }} as a
          where (a.source, a.actor_id) in (select i.source, i.user_id from inactive as i)
      )
),

children as (
    select e.source, e.ticket_id, e.event_at, e.actor_id, unnest(e.children) as c from their_events as e
),

happened as (
    select
        source, ticket_id, event_at, actor_id, coalesce(c.author_id, actor_id) as author_id, c.assignee_id as holder_id,
        c.event_type like '%Comment' as is_comment,
        coalesce(c.public, true) as is_public,
        c.event_type = 'Change' and coalesce(c.priority, c.group_id, c.assignee_id, case when c.status in ('solved', 'closed') then c.status end)
            is not null as is_work,
        coalesce(c.via.channel in ('rule', 'trigger', 'automation', 'system'), false)
            or coalesce(c.via.source.rel in ('trigger', 'automation', 'rule'), false) as is_automatic
    from children
    union all
    select
        a.source, a.ticket_id, a.event_at, a.actor_id, coalesce(a.c.author_id, a.actor_id),
        case when a.c.field_name = 'assignee_id' then a.c.value end,
        a.c.type like '%Comment',
        coalesce(a.c.public, true),
        a.c.type = 'Change'
            and (a.c.field_name in ('priority', 'group_id', 'assignee_id') or (a.c.field_name = 'status' and a.c.value in ('solved', 'closed'))),
        coalesce(a.c.via.channel in ('rule', 'trigger', 'automation', 'system'), false)
            or coalesce(a.c.via.source.rel in ('trigger', 'automation', 'rule'), false)
    from (
        select t.source, t.ticket_id, t.event_at, t.actor_id, unnest(t.children) as c
        from {{ ref('stg_zendesk__ticket_audits') }} as t
        where t.event_at <= {{ as_of() }} and (t.source, t.actor_id) in (select i.source, i.user_id from inactive as i)
    ) as a
),

tickets as (
    select t.source, t.record_id as ticket_id, t.created_at, t.requester_id, t.submitter_id, t.vendor_first_reply_seconds,
        t.vendor_first_reply_minutes, t.vendor_replies
    from {{ in_force('(
        select v.* from ' ~ ref('stg_zendesk__tickets') ~ ' as v where (v.source, v.record_id) in (select h.source, h.ticket_id from happened as h)
    )') }} as t
),

{#- Who asked, by the comment that opened the ticket: their old account where they were merged since. #}
openers as (
    select h.source, h.ticket_id, min(h.author_id) as opener_id
    from happened as h
    inner join tickets as t on h.source = t.source and h.ticket_id = t.ticket_id
    where h.is_comment and h.event_at <= t.created_at
    group by h.source, h.ticket_id
),

{#- What was done after the beginning of tickets; that of a chat is a note in its customer's name. #}
later as (
    select h.*, t.created_at, t.requester_id, t.submitter_id, o.opener_id, t.vendor_first_reply_seconds, t.vendor_first_reply_minutes, t.vendor_replies
    from happened as h
    inner join tickets as t on h.source = t.source and h.ticket_id = t.ticket_id
    left join openers as o on h.source = o.source and h.ticket_id = o.ticket_id
    where h.event_at > t.created_at and not h.is_automatic
),

{#- Public comments of agents and of those who are judged, and how far from the vendor's first reply. #}
comments as (
    select
        l.source, l.ticket_id, l.event_at, l.author_id, l.vendor_replies,
        case when vendor_first_reply_seconds is null then 60 else 1 end as tolerance,
        abs({{ seconds(micros_between('l.created_at', 'l.event_at')) }} - coalesce(l.vendor_first_reply_seconds, l.vendor_first_reply_minutes * 60))
            as seconds_off
    from later as l
    where l.is_comment and l.is_public and l.author_id is distinct from l.requester_id
      and not exists (
          select 1 from {{ ref('stg_zendesk__users') }} as u
          where u.source = l.source and u.record_id = l.author_id and u.role = 'end-user' and u.is_active
            and (u.source, u.record_id) not in (select h.source, h.user_id from holders as h)
      )
),

shown as (
    select t.source, t.assignee_id as user_id
    from {{ in_force('(
        select v.* from ' ~ ref('stg_zendesk__tickets') ~ ' as v
        where (v.source, v.record_id) in (
            select a.source, a.record_id from ' ~ ref('stg_zendesk__tickets') ~ ' as a
            where (a.source, a.assignee_id) in (select i.source, i.user_id from inactive as i)
        )
    )') }} as t
    where t.changed_at <= {{ as_of() }}
    union
    select source, holder_id from happened
    union
    select source, author_id from later where is_comment and not is_public
    union
    {#- A customer may solve what they asked. #}
    select source, actor_id from later
    where is_work and actor_id is distinct from requester_id and actor_id is distinct from submitter_id and actor_id is distinct from opener_id
    union
    select c.source, c.author_id
    from comments as c
    inner join {{ ref('stg_zendesk__ticket_metric_events') }} as m
        on c.source = m.source and c.ticket_id = m.ticket_id and c.event_at = m.event_at
    where m.metric = 'reply_time' and m.event_type = 'fulfill' and not m.is_withdrawn and not m.deleted
    union
    {#- The only one that the vendor's first reply can be, or all of as many as the vendor counts. #}
    select source, min(author_id) from comments where seconds_off < tolerance group by source, ticket_id having count(distinct author_id) = 1
    union
    select c.source, c.author_id
    from comments as c
    where (c.source, c.ticket_id, c.vendor_replies) in (select n.source, n.ticket_id, count(*) from comments as n group by n.source, n.ticket_id)
    union
    select source, record_id from {{ ref('stg_zendesk__users') }} where role <> 'end-user'
)

select source, user_id, true as is_active from holders
union all
select i.source, i.user_id, false
from inactive as i
where (i.source, i.user_id) in (select s.source, s.user_id from shown as s)
