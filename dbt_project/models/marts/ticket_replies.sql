{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{#- One row per stretch of a conversation that ends, or waits to end, with a public reply by a human agent. Stretch 1 runs from
    creation; a later one from the oldest message of the customer that is still unanswered. A reply that nobody waited for has no
    duration. #}
with counted as (
    select t.* from {{ ref('int_tickets') }} as t where t.exclusion_reason is null and {{ is_touched('t') }}
),

comments as (
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
        s.reply_no,
        s.replied_at,
        s.agent_id,
        s.is_role_assumed,
        case when s.reply_no = 1 then t.created_at else s.asked_at end as waits_from,
        t.created_at,
        t.priority,
        t.complexity,
        t.channel,
        t.customer_id,
        t.segment,
        t.product,
        t.service_area
    from stretches as s
    inner join counted as t on s.source = t.source and s.ticket_id = t.ticket_id
    where s.reply_no = 1 or s.asked_at is not null or s.replied_at is not null
),

placed as (
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
    cast(p.reply_no as integer) as reply_no,
    p.reply_no = 1 as is_first_reply,
    p.created_at,
    p.waits_from,
    p.replied_at,
    cast({{ seconds(micros_between('p.waits_from', 'p.replied_at')) }} as double) as seconds,
    cast({{ seconds('p.waited_to - p.waited_from') }} as double) as business_seconds,
    cast({{ seconds('p.waited_to_last_schedule - p.waited_from_last_schedule') }} as double) as business_seconds_last_schedule,
    p.agent_id,
    s.group_id,
    p.is_role_assumed,
    case when s.source is null then p.priority else s.priority end as priority,
    p.complexity,
    p.channel,
    p.customer_id,
    p.segment,
    p.product,
    p.service_area
from placed as p
left join {{ ref('int_ticket_states') }} as s
    on p.source = s.source and p.ticket_id = s.ticket_id
    and coalesce(p.replied_at, {{ as_of() }}) >= s.started_at and coalesce(p.replied_at, {{ as_of() }}) < s.held_until
