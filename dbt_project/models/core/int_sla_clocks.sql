{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- When each SLA clock ran, one row per run: from the vendor's own clock events where it has them, else from ours. started_at is
    null for a clock that never ran; ended_at is null while it runs; fulfilled_at is the end of the whole clock. #}
with vendor_events as (
    select
        *,
        lead(event_at) over (partition by source, ticket_id, metric, instance order by event_at, event_order) as next_at,
        lead(event_type) over (partition by source, ticket_id, metric, instance order by event_at, event_order) as next_type
    from {{ ref('zendesk__sla_events') }}
    where event_type in ('activate', 'pause', 'fulfill')
),

vendor_ends as (
    select
        source, ticket_id, metric, instance,
        max(case when next_at is null and event_type = 'fulfill' then event_at end) as fulfilled_at
    from vendor_events
    group by source, ticket_id, metric, instance
),

measures as (select * from {{ ref('int_ticket_measures') }} as m where {{ is_touched('m') }}),

own as (
    select
        m.source, m.ticket_id, 'first_reply' as metric, 1 as instance, m.created_at as started_at,
        least(m.first_reply_at, m.first_solved_at) as ended_at,
        least(m.first_reply_at, m.first_solved_at) as fulfilled_at
    from measures as m
    union all
    select r.source, r.ticket_id, 'next_reply', r.reply_no, r.waits_from, least(r.replied_at, min(s.started_at)), least(r.replied_at, min(s.started_at))
    from {{ ref('ticket_replies') }} as r
    left join {{ ref('int_ticket_spans') }} as s
        on r.source = s.source and r.ticket_id = s.ticket_id and s.kind = 'status' and s.value in ('solved', 'closed')
        and s.started_at >= r.waits_from
    where r.reply_no > 1 and r.waits_from is not null and {{ is_touched('r') }}
    group by r.source, r.ticket_id, r.reply_no, r.waits_from, r.replied_at
    {% for metric, values in [('requester_wait', "'new', 'open', 'hold'"), ('agent_work', "'new', 'open'")] %}
    union all
    select
        s.source, s.ticket_id, '{{ metric }}', 1, s.started_at, s.ended_at,
        case when m.is_resolved then m.last_solved_at end
    from {{ ref('int_ticket_spans') }} as s
    inner join measures as m on s.source = m.source and s.ticket_id = m.ticket_id
    where s.kind = 'status' and s.value in ({{ values }})
    {% endfor %}
    union all
    select
        m.source, m.ticket_id, 'total_resolution', 1, m.created_at,
        case when m.is_resolved then m.last_solved_at end,
        case when m.is_resolved then m.last_solved_at end
    from measures as m
)

select
    e.source, e.ticket_id, e.metric, cast(e.instance as bigint) as instance, 'vendor' as origin,
    e.event_at as started_at, e.next_at as ended_at, f.fulfilled_at
from vendor_events as e
inner join vendor_ends as f
    on e.source = f.source and e.ticket_id = f.ticket_id and e.metric = f.metric and e.instance = f.instance
where e.event_type = 'activate'
union all
select o.source, o.ticket_id, o.metric, o.instance, 'own', o.started_at, o.ended_at, o.fulfilled_at
from own as o
inner join {{ ref('int_own_sla_metrics') }} as m on o.source = m.source and o.metric = m.metric
