{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'next_at': 'touched', 'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{#- One row per stretch of a conversation that ends, or waits to end, with a public reply by a human agent. Stretch 1 runs from
    creation; a later one from the oldest message of the customer that is still unanswered. A reply that nobody waited for has no
    duration. The vendor's own first reply, where events lack it, has no agent. #}
with waits as (
    select
        r.*,
        t.created_at,
        t.is_timed,
        t.priority,
        t.complexity,
        t.channel,
        t.customer_id,
        t.segment,
        t.product,
        t.service_area
    from {{ ref('int_ticket_replies') }} as r
    inner join {{ ref('int_tickets') }} as t on r.source = t.source and r.ticket_id = t.ticket_id
    where {{ is_by_human('t') }} and {{ is_touched('r') }}
),

positioned as (
    select
        w.*,
        {{ business_positions('a', 'w.waits_from', 'waited_from') }},
        {{ business_positions('b', 'w.replied_at', 'waited_to') }}
    from waits as w
    {{ join_business_positions('a', 'w', 'w.waits_from') }}
    {{ join_business_positions('b', 'w', 'w.replied_at') }}
)

select
    p.source,
    p.ticket_id,
    p.reply_no,
    p.is_first_reply,
    p.created_at,
    p.waits_from,
    p.replied_at,
    cast(case when p.is_timed then {{ seconds(micros_between('p.waits_from', 'p.replied_at')) }} end as double) as seconds,
    cast(case when p.is_timed then {{ seconds('coalesce(p.business_micros, p.waited_to - p.waited_from)') }} end as double) as business_seconds,
    cast(case when p.is_timed then {{ seconds('coalesce(p.business_micros, p.waited_to_last_schedule - p.waited_from_last_schedule)') }} end as double)
        as business_seconds_last_schedule,
    p.agent_id,
    s.group_id,
    p.is_role_assumed,
    case when s.source is null then p.priority else s.priority end as priority,
    p.complexity,
    p.channel,
    p.customer_id,
    p.segment,
    p.product,
    p.service_area,
    p.origin,
    {{ newest_values({
        'priority': 'p.priority is not null and not coalesce(s.has_priority_history, false)',
        'group_id': 's.group_id is not null and not s.has_group_history'
    }) }} as newest_values
from positioned as p
left join {{ ref('int_ticket_states') }} as s
    on p.source = s.source and p.ticket_id = s.ticket_id
    and coalesce(p.replied_at, {{ as_of() }}) >= s.started_at and coalesce(p.replied_at, {{ as_of() }}) < s.held_until
