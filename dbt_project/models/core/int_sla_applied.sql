{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{%- set clock = 'source, ticket_id, metric, instance' -%}
with own_clocks as (
    select c.source, c.ticket_id, c.metric, c.instance, c.group_id, c.clock_started_at, c.fulfilled_at
    from {{ ref('int_sla_clocks') }} as c
    where c.origin = 'own' and c.is_last_run and {{ is_touched('c') }}
),

{#- Priorities without a gap: none before the first; of a ticket without a history the newest. #}
priorities as (
    select
        p.source, p.ticket_id, case when {{ priority_rank('p.value') }} is not null then p.value end as priority, p.started_at, p.held_until
    from {{ ref('int_ticket_spans') }} as p
    where p.kind = 'priority' and p.source in (select source from own_clocks)
    union all
    select
        t.source, t.ticket_id, case when p.ticket_id is null then t.priority end, {{ the_beginning() }},
        coalesce(p.started_at, {{ the_end() }})
    from {{ ref('int_tickets') }} as t
    left join {{ ref('int_ticket_spans') }} as p
        on t.source = p.source and t.ticket_id = p.ticket_id and p.kind = 'priority' and p.span_no = 1
    where t.source in (select source from own_clocks)
),

{#- Our targets are chosen when a clock starts and when the priority changes on it. #}
own_choices as (
    select
        c.source, c.ticket_id, c.metric, c.instance, c.group_id, p.priority, t.complexity, t.segment, t.channel,
        greatest(c.clock_started_at, p.started_at) as applied_at
    from own_clocks as c
    inner join {{ ref('int_tickets') }} as t on c.source = t.source and c.ticket_id = t.ticket_id
    inner join priorities as p
        on c.source = p.source and c.ticket_id = p.ticket_id
        and p.held_until > c.clock_started_at and p.started_at < coalesce(c.fulfilled_at, {{ the_end() }})
),

own_matches as (
    select
        c.*,
        o.policy,
        o.target_minutes * 60 as target_seconds,
        o.is_business_hours,
        row_number() over (
            partition by c.source, c.ticket_id, c.metric, c.instance, c.applied_at
            order by
                case when o.source <> '*' then 1 else 0 end
                {%- for column in ['priority', 'complexity', 'segment', 'channel', 'group_id'] %}
                + case when o.{{ column }} is not null then 1 else 0 end
                {%- endfor %} desc,
                o.target_minutes nulls last, o.policy
        ) as match_no
    from own_choices as c
    left join {{ ref('own_sla_targets') }} as o
        on o.metric = c.metric and o.source in (c.source, '*')
        {%- for column in ['priority', 'complexity', 'segment', 'channel', 'group_id'] %}
        and (o.{{ column }} is null or o.{{ column }} = c.{{ column }})
        {%- endfor %}
        and (o.valid_from is null or {{ business_date('c.applied_at') }} >= o.valid_from)
        and (o.valid_to is null or {{ business_date('c.applied_at') }} < o.valid_to)
),

applications as (
    select {{ clock }}, 'vendor' as origin, policy, target_seconds, is_business_hours, event_at as applied_at, event_order
    from {{ ref('int_sla_events') }} as e
    where e.event_type = 'apply' and {{ is_touched('e') }}
    union all
    select {{ clock }}, 'own', policy, target_seconds, is_business_hours, applied_at, 0
    from own_matches
    where match_no = 1
),

{#- Most clocks carry one target: only the others need an order. #}
repeated as (
    select {{ clock }} from applications group by {{ clock }} having count(*) > 1
),

ordered as (
    select
        a.*,
        lag(a.target_seconds) over on_clock as previous_target,
        lag(a.policy) over on_clock as previous_policy,
        lag(a.is_business_hours) over on_clock as previous_hours,
        row_number() over on_clock as application_no
    from applications as a
    inner join repeated as r
        on a.source = r.source and a.ticket_id = r.ticket_id and a.metric = r.metric and a.instance = r.instance
    window on_clock as (partition by a.source, a.ticket_id, a.metric, a.instance order by a.applied_at, a.event_order)
),

{#- The same target said again is no replacement. #}
changes as (
    select
        *,
        lead(applied_at) over on_clock as replaced_at,
        row_number() over on_clock < count(*) over (partition by {{ clock }}) and lead(target_seconds) over on_clock is null as is_withdrawn
    from ordered
    where application_no = 1 or target_seconds is distinct from previous_target or policy is distinct from previous_policy
       or is_business_hours is distinct from previous_hours
    window on_clock as (partition by {{ clock }} order by applied_at, event_order)
),

{#- What is replaced in the instant in which it is applied never stood. #}
standing as (
    select {{ clock }}, origin, policy, target_seconds, is_business_hours, applied_at, cast(null as timestamp) as replaced_at, false as is_withdrawn
    from applications as a
    where not exists (
            select 1 from repeated as r
            where r.source = a.source and r.ticket_id = a.ticket_id and r.metric = a.metric and r.instance = a.instance
        )
    union all
    select {{ clock }}, origin, policy, target_seconds, is_business_hours, applied_at, replaced_at, is_withdrawn
    from changes
    where replaced_at is null or applied_at < replaced_at
),

breaches as (
    select s.source, s.ticket_id, s.metric, s.instance, s.applied_at, min(b.event_at) as breached_at
    from standing as s
    inner join {{ ref('int_sla_events') }} as b
        on s.source = b.source and s.ticket_id = b.ticket_id and s.metric = b.metric and s.instance = b.instance
        and b.event_at >= s.applied_at and b.event_at < coalesce(s.replaced_at, {{ the_end() }})
    where s.origin = 'vendor' and b.event_type = 'breach' and {{ is_touched('b') }}
    group by s.source, s.ticket_id, s.metric, s.instance, s.applied_at
)

select s.*, b.breached_at as vendor_breached_at
from standing as s
left join breaches as b
    on s.source = b.source and s.ticket_id = b.ticket_id and s.metric = b.metric and s.instance = b.instance
    and s.applied_at = b.applied_at
where s.target_seconds is not null
