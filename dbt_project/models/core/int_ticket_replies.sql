{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{#- One row per stretch of a conversation that ends, or waits to end, with a public reply by a human agent. Stretch 1 runs from
    creation; a later one from the oldest message of the customer that is still unanswered, and is none without such a message. #}
with comments as (
    select
        e.*,
        e.is_public and e.actor_role = 'agent' and not e.is_opening as is_reply
    from {{ ref('int_ticket_events') }} as e
    where e.kind = 'comment' and {{ is_touched('e') }}
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
        bool_or(is_reply and is_role_assumed) as is_role_assumed
    from numbered
    group by source, ticket_id, reply_no
),

waits as (
    select
        s.source,
        s.ticket_id,
        t.created_at,
        s.reply_no,
        case when s.reply_no = 1 then t.created_at else s.asked_at end as waits_from,
        s.replied_at,
        s.agent_id,
        s.is_role_assumed
    from stretches as s
    inner join {{ ref('int_tickets') }} as t on s.source = t.source and s.ticket_id = t.ticket_id
)

select
    w.source,
    w.ticket_id,
    w.created_at,
    w.reply_no,
    w.waits_from,
    w.replied_at,
    w.agent_id,
    w.is_role_assumed,
    {{ micros_between('w.waits_from', 'w.replied_at') }} as calendar_micros,
    {{ business_micros('b', 'w.waits_from', 'w.replied_at') }} as business_micros,
    {{ business_micros_last_schedule('b', 'w.waits_from', 'w.replied_at') }} as business_micros_last_schedule
from waits as w
{{ join_business_span('b', 'w', 'w.waits_from', 'w.replied_at') }}
