{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{%- set clock = 'source, ticket_id, metric, instance' -%}
with vendor_events as (
    select
        {{ clock }}, event_type, event_order,
        event_type = 'fulfill' and not is_time_known as is_lost,
        case when event_type <> 'fulfill' or is_time_known then event_at end as event_at
    from {{ ref('int_sla_events') }} as e
    where e.event_type in ('activate', 'pause', 'fulfill', 'apply') and {{ is_touched('e') }}
),

{#- Tickets that are over though no event says so: what runs on them ended with them. #}
over as (
    select m.source, m.ticket_id, m.last_solved_at
    from {{ ref('int_ticket_measures') }} as m
    where m.is_resolved and m.last_solved_origin is distinct from 'events' and {{ is_touched('m') }}
),

told_clocks as (
    select
        {{ clock }},
        count(case when event_type = 'activate' then 1 end) as runs,
        min(case when event_type = 'activate' then event_at end) as clock_started_at,
        min(case when event_type in ('pause', 'fulfill') then event_at end) as stopped_at,
        max(case when event_type = 'fulfill' then event_at end) as fulfilled_at,
        bool_or(is_lost) and count(case when event_type = 'fulfill' then event_at end) = 0 as is_end_lost
    from vendor_events
    group by {{ clock }}
    having count(case when event_type = 'apply' then 1 end) > 0
),

vendor_clocks as (
    select c.*, o.ticket_id is not null as is_over, o.last_solved_at as over_at
    from told_clocks as c
    left join over as o on c.source = o.source and c.ticket_id = o.ticket_id
),

{#- Most clocks run once: only the others need their events in order. #}
ordered as (
    select
        e.source, e.ticket_id, e.metric, e.instance, e.event_type, e.event_at, c.clock_started_at, c.fulfilled_at, c.is_end_lost,
        c.is_over, c.over_at,
        lead(e.event_at) over (
            partition by e.source, e.ticket_id, e.metric, e.instance order by e.event_at, e.event_order
        ) as next_at,
        last_value(e.event_type) over (
            partition by e.source, e.ticket_id, e.metric, e.instance order by e.event_at, e.event_order
            rows between unbounded preceding and unbounded following
        ) as last_type,
        count(case when e.event_type = 'activate' then 1 end) over (
            partition by e.source, e.ticket_id, e.metric, e.instance order by e.event_at, e.event_order
            rows between 1 following and unbounded following
        ) as later_runs
    from vendor_events as e
    inner join vendor_clocks as c
        on e.source = c.source and e.ticket_id = c.ticket_id and e.metric = c.metric and e.instance = c.instance
    where e.event_type <> 'apply' and not e.is_lost and (c.runs > 1 or c.stopped_at < c.clock_started_at)
),

{#- Tickets of sources with targets of our own. Of a ticket that was solved, nobody knows when, no clock can be read. #}
tickets as (
    select
        t.source, t.ticket_id, t.created_at, t.declares_resolved, t.declares_first_reply, t.is_sampled, m.first_reply_at, m.first_solved_at, m.has_lost_reply,
        m.has_untold_replies,
        case when m.is_resolved then m.last_solved_at end as solved_at
    from {{ ref('int_tickets') }} as t
    inner join {{ ref('int_ticket_measures') }} as m on t.source = m.source and t.ticket_id = m.ticket_id
    where t.source in (select source from {{ ref('int_own_sla_metrics') }}) and {{ is_touched('t') }}
      and (m.last_solved_at is not null or not m.is_resolved) and not m.has_lost_solve
),

statuses as (
    select
        s.source, s.ticket_id, s.span_no, s.value, s.started_at, s.ended_at, s.held_until,
        s.value in ('solved', 'closed') and coalesce(s.previous_value not in ('solved', 'closed'), true) as is_solve
    from {{ ref('int_ticket_spans') }} as s
    where s.kind = 'status' and (s.source, s.ticket_id) in (select t.source, t.ticket_id from tickets as t)
),

histories as (select source, ticket_id from statuses group by source, ticket_id),

numbered_statuses as (
    select
        *,
        {#- A solve ends the spell before it. #}
        sum(case when is_solve then 1 else 0 end) over (
            partition by source, ticket_id order by span_no rows between unbounded preceding and current row
        ) - case when is_solve then 1 else 0 end as spell_no
    from statuses
),

status_spells as (
    select
        source, ticket_id,
        min(case when value in ('new', 'open', 'pending', 'hold') then started_at end) as started_at,
        min(case when is_solve then started_at end) as solved_at
    from numbered_statuses
    group by source, ticket_id, spell_no
),

{#- From creation or a reopening to the next solve. Where a source declares when it resolved, its statuses do not count. #}
spells as (
    select s.source, s.ticket_id, s.started_at, s.solved_at, true as has_statuses
    from status_spells as s
    inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
    where s.started_at is not null and not t.declares_resolved
    union all
    select t.source, t.ticket_id, t.created_at, t.solved_at, false
    from tickets as t
    where t.declares_resolved
       or not exists (select 1 from histories as h where h.source = t.source and h.ticket_id = t.ticket_id)
),

messages as (
    select e.source, e.ticket_id, e.event_at, e.event_no, e.is_opening, e.actor_role = 'agent' as is_agent
    from {{ ref('int_ticket_events') }} as e
    where e.kind = 'comment' and e.is_public and e.actor_role in ('agent', 'end_user')
      and (e.source, e.ticket_id) in (select t.source, t.ticket_id from tickets as t)
),

{#- Tickets that an agent opened, in public or in private: nobody asks before the customer's first message. #}
unasked as (
    select t.source, t.ticket_id, min(q.event_at) as asked_at
    from tickets as t
    inner join (
        select e.source, e.ticket_id
        from {{ ref('int_ticket_events') }} as e
        where e.is_opening
        group by e.source, e.ticket_id
        having bool_or(e.actor_role = 'agent') and not bool_or(e.actor_role = 'end_user')
    ) as o on t.source = o.source and t.ticket_id = o.ticket_id
    left join messages as q on t.source = q.source and t.ticket_id = q.ticket_id and not q.is_agent
    where not t.declares_first_reply and not t.has_untold_replies
    group by t.source, t.ticket_id
),

{#- What ends a wait for a reply: a reply, or a solve. #}
all_turns as (
    select source, ticket_id, event_at, case when is_agent then 1 else 0 end as is_end, event_no
    from messages
    where not is_opening
    union all
    select source, ticket_id, solved_at, 1, 0 from spells where solved_at is not null
),

turns as (
    select a.*
    from all_turns as a
    left join unasked as u on a.source = u.source and a.ticket_id = u.ticket_id
    where u.ticket_id is null or a.event_at >= u.asked_at
),

stretches as (
    select
        source, ticket_id, event_at, is_end,
        coalesce(sum(is_end) over (
            partition by source, ticket_id order by event_at, is_end, event_no rows between unbounded preceding and 1 preceding
        ), 0) as ends_before
    from turns
),

waits as (
    select
        source, ticket_id, ends_before = 0 as is_first,
        min(case when is_end = 0 then event_at end) as started_at,
        min(case when is_end = 1 then event_at end) as fulfilled_at
    from stretches
    group by source, ticket_id, ends_before
),

agent_comments as (
    select source, ticket_id, event_at, lead(event_at) over (partition by source, ticket_id order by event_at, event_no) as next_at
    from messages
    where is_agent
),

updates as (
    select c.source, c.ticket_id, c.event_at as started_at, least(c.next_at, s.solved_at) as fulfilled_at, s.has_statuses
    from agent_comments as c
    inner join spells as s
        on c.source = s.source and c.ticket_id = s.ticket_id
        and c.event_at >= s.started_at and c.event_at < coalesce(s.solved_at, {{ the_end() }})
),

stays as (
    select
        g.source, g.ticket_id, greatest(g.started_at, s.started_at) as started_at, least(g.ended_at, s.solved_at) as fulfilled_at,
        g.value as group_id, s.has_statuses
    from {{ ref('int_ticket_spans') }} as g
    inner join spells as s
        on g.source = s.source and g.ticket_id = s.ticket_id
        and g.held_until > s.started_at and g.started_at < coalesce(s.solved_at, {{ the_end() }})
    where g.kind = 'group' and g.value is not null
),

own_clocks as (
    select
        t.source, t.ticket_id, 'first_reply' as metric, coalesce(u.asked_at, t.created_at) as started_at,
        case when u.ticket_id is null then least(t.first_reply_at, t.first_solved_at) else w.fulfilled_at end as fulfilled_at,
        cast(null as varchar) as group_id, false as pauses
    from tickets as t
    left join unasked as u on t.source = u.source and t.ticket_id = u.ticket_id
    left join waits as w on u.source = w.source and u.ticket_id = w.ticket_id and w.is_first
    where not t.has_lost_reply and (u.ticket_id is null or u.asked_at is not null)
    union all
    select w.source, w.ticket_id, 'next_reply', w.started_at, w.fulfilled_at, null, false
    from waits as w
    inner join tickets as t on w.source = t.source and w.ticket_id = t.ticket_id
    {#- Whether a reply that nobody dates has ended it nobody knows. #}
    where not w.is_first and w.started_at < coalesce(w.fulfilled_at, {{ the_end() }}) and (w.fulfilled_at is not null or not t.has_untold_replies)
    {% for metric in ['agent_work', 'requester_wait'] %}
    union all
    select t.source, t.ticket_id, '{{ metric }}', t.created_at, t.solved_at, null, true
    from tickets as t
    inner join histories as h on t.source = h.source and t.ticket_id = h.ticket_id
    {% endfor %}
    union all
    select t.source, t.ticket_id, 'total_resolution', t.created_at, t.solved_at, null, h.ticket_id is not null and not t.declares_resolved
    from tickets as t
    left join histories as h on t.source = h.source and t.ticket_id = h.ticket_id
    union all
    select source, ticket_id, 'periodic_update', started_at, fulfilled_at, null, has_statuses from updates
    union all
    select u.source, u.ticket_id, 'pausable_update', u.started_at, u.fulfilled_at, null, true
    from updates as u
    inner join histories as h on u.source = h.source and u.ticket_id = h.ticket_id
    union all
    select source, ticket_id, 'group_ownership', started_at, fulfilled_at, group_id, has_statuses from stays
),

{#- When these happened nobody knows: until then a clock may have run, or no longer. #}
undated as (
    select
        s.source, s.ticket_id, case when s.kind = 'group' then s.started_at end as ended_at,
        unnest(case
            when s.kind = 'group' then ['group_ownership']
            when s.value = 'pending' and coalesce(s.previous_value, 'new') in ('new', 'open') then ['agent_work', 'requester_wait', 'pausable_update']
            when s.value = 'pending' and s.previous_value = 'hold' then ['requester_wait', 'pausable_update']
            when s.value = 'hold' and coalesce(s.previous_value, 'new') in ('new', 'open') then ['agent_work']
        end) as metric
    from {{ ref('int_ticket_spans') }} as s
    where s.kind in ('status', 'group') and not s.is_dated and (s.source, s.ticket_id) in (select t.source, t.ticket_id from tickets as t)
),

numbered as (
    select
        c.*,
        row_number() over (partition by c.source, c.ticket_id, c.metric order by c.started_at, c.fulfilled_at nulls last)
            + case when c.metric = 'next_reply' then 1 else 0 end as instance
    from own_clocks as c
    inner join tickets as t on c.source = t.source and c.ticket_id = t.ticket_id
    inner join {{ ref('int_own_sla_metrics') }} as m on c.source = m.source and c.metric = m.metric
    left join undated as u
        on c.source = u.source and c.ticket_id = u.ticket_id and c.metric = u.metric
        and case when c.metric = 'group_ownership' then c.fulfilled_at end is not distinct from u.ended_at
    where u.source is null
      {#- Samples do not tell when such a clock stood still, nor every stay. #}
      and not (t.is_sampled and c.metric in ('agent_work', 'requester_wait', 'pausable_update', 'group_ownership'))
),

counting as (
    select c.source, c.ticket_id, c.metric, c.instance, s.started_at, s.ended_at
    from numbered as c
    inner join statuses as s
        on c.source = s.source and c.ticket_id = s.ticket_id
        and s.held_until > c.started_at and s.started_at < coalesce(c.fulfilled_at, {{ the_end() }})
    where s.value in ('new', 'open')
       or (s.value = 'hold' and c.metric <> 'agent_work')
       or (s.value = 'pending' and c.metric in ('total_resolution', 'periodic_update', 'group_ownership'))
),

own_runs as (
    select
        c.source, c.ticket_id, c.metric, c.instance, c.group_id, c.started_at as clock_started_at, c.fulfilled_at,
        {#- Null where no status let it run. #}
        case when s.started_at is not null then greatest(s.started_at, c.started_at) end as started_at,
        case when s.started_at is not null then least(s.ended_at, c.fulfilled_at) end as ended_at
    from numbered as c
    left join counting as s
        on c.source = s.source and c.ticket_id = s.ticket_id and c.metric = s.metric and c.instance = s.instance
    where c.pauses
    union all
    select
        source, ticket_id, metric, instance, group_id, started_at as clock_started_at, fulfilled_at, started_at, fulfilled_at as ended_at
    from numbered
    where not pauses
)

select
    {{ clock }}, 'vendor' as origin, cast(null as varchar) as group_id, clock_started_at, fulfilled_at,
    clock_started_at as started_at, case when clock_started_at is not null then stopped_at end as ended_at, true as is_last_run,
    is_end_lost or (is_over and fulfilled_at is null) as is_end_lost, case when is_over and fulfilled_at is null then over_at end as over_at
from vendor_clocks
where runs < 2 and coalesce(stopped_at >= clock_started_at, true)
union all
select
    {{ clock }}, 'vendor', null, clock_started_at, case when last_type = 'fulfill' then fulfilled_at end,
    event_at, next_at, coalesce(later_runs, 0) = 0,
    is_end_lost or (is_over and last_type <> 'fulfill'), case when is_over and last_type <> 'fulfill' then over_at end
from ordered
where event_type = 'activate'
union all
select
    {{ clock }}, 'own', group_id, clock_started_at, fulfilled_at, started_at, ended_at,
    row_number() over (partition by {{ clock }} order by started_at desc nulls last) = 1, false, null
from own_runs
