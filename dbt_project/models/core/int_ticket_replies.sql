{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with tickets as (
    select t.source, t.ticket_id, t.created_at
    from {{ ref('int_tickets') }} as t
    where t.exclusion_reason is null and {{ is_touched('t') }}
),

untold as (select * from {{ ref('int_untold_replies') }} as u where {{ is_touched('u') }}),

{#- Tickets that another account shared in private: it reads the notes of our agents. #}
shared as (
    select t.source, t.ticket_id
    from tickets as t
    inner join {{ ref('int_ticket_events') }} as e on t.source = e.source and t.ticket_id = e.ticket_id
    where e.event_at <= t.created_at and e.kind in ('share', 'comment')
    group by t.source, t.ticket_id
    having bool_or(e.kind = 'share') and bool_or(e.kind = 'comment') and not bool_or(e.kind = 'comment' and (e.is_public or e.actor_role = 'agent'))
),

answers as (
    select
        e.*,
        e.actor_role = 'agent' and not e.is_opening and (e.is_public or s.ticket_id is not null) as is_answer
    from {{ ref('int_ticket_events') }} as e
    left join shared as s on e.source = s.source and e.ticket_id = s.ticket_id
    where e.kind = 'comment' and {{ is_touched('e') }}
),

comments as (
    select
        source, ticket_id, event_at, event_no, actor_id, actor_role, is_public, is_role_assumed,
        {#- A note may be the first reply, and no other. #}
        is_answer and (is_public or row_number() over (partition by source, ticket_id, is_answer order by event_at, event_no) = 1) as is_reply,
        'events' as origin,
        cast(null as bigint) as business_micros
    from answers
    union all
    {#- Nobody tells who wrote it. #}
    select u.source, u.ticket_id, u.first_reply_at, 0, null, 'agent', true, false, true, 'vendor', u.first_reply_business
    from untold as u
    where u.first_reply_at is not null
),

numbered as (
    select
        *,
        1 + coalesce(sum(case when is_reply then 1 else 0 end) over (
            partition by source, ticket_id order by event_at, event_no rows between unbounded preceding and 1 preceding
        ), 0) as reply_no
    from comments
),

stretches as (
    select
        source,
        ticket_id,
        reply_no,
        min(case when is_public and actor_role = 'end_user' then event_at end) as asked_at,
        min(case when is_reply then event_at end) as replied_at,
        min(case when is_reply then actor_id end) as agent_id,
        bool_or(is_reply and is_role_assumed) as is_role_assumed,
        bool_or(is_reply and is_public) as is_public,
        max(case when is_reply then origin end) as origin,
        max(case when is_reply then business_micros end) as business_micros
    from numbered
    group by source, ticket_id, reply_no
),

{#- Later replies of conversations whose messages no event tells. What ends with a solve is one where the vendor counts them all. #}
told as (
    select *
    from (
        select r.*, u.replies, count(*) over (partition by r.source, r.ticket_id) as ends
        from {{ ref('int_told_replies') }} as r
        inner join untold as u on r.source = u.source and r.ticket_id = u.ticket_id
        where u.replies > 1
          and not exists (
              select 1 from comments as c where c.source = r.source and c.ticket_id = r.ticket_id and c.is_reply and c.origin = 'events'
          )
    ) as c
    where not ends_at_solve or ends < replies
)

select
    s.source,
    s.ticket_id,
    cast(s.reply_no as integer) as reply_no,
    s.reply_no = 1 as is_first_reply,
    case when s.reply_no = 1 then t.created_at else s.asked_at end as waits_from,
    s.replied_at,
    s.agent_id,
    s.is_role_assumed,
    s.is_public,
    s.origin,
    s.business_micros
from stretches as s
inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
left join untold as u on s.source = u.source and s.ticket_id = u.ticket_id
{#- A wait that replies may have ended, nobody knows when, is none. #}
where s.replied_at is not null
   or ((s.reply_no = 1 or s.asked_at is not null) and coalesce(u.replies, 0) = case when u.first_reply_at is null then 0 else 1 end)
union all
select
    t.source,
    t.ticket_id,
    cast(1 + row_number() over (partition by t.source, t.ticket_id order by t.waits_from, t.instance) as integer),
    false,
    t.waits_from,
    t.replied_at,
    null,
    false,
    true,
    'vendor',
    t.business_micros
from told as t
inner join tickets as k on t.source = k.source and t.ticket_id = k.ticket_id
