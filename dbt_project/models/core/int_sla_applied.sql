{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- Which target stood on each SLA clock, and from when to when. A target that another replaces is kept. #}
with applications as (
    select
        *,
        lag(target_seconds) over clock as previous_target,
        lag(policy) over clock as previous_policy,
        lag(is_business_hours) over clock as previous_hours,
        row_number() over clock as application_no
    from {{ ref('zendesk__sla_events') }}
    where event_type = 'apply_sla'
    window clock as (partition by source, ticket_id, metric, instance order by event_at, event_order)
),

{#- The same target said again is no replacement. #}
changed_applications as (
    select * from applications
    where application_no = 1 or target_seconds is distinct from previous_target or policy is distinct from previous_policy
       or is_business_hours is distinct from previous_hours
),

vendor as (
    select
        source, ticket_id, metric, cast(instance as bigint) as instance, 'vendor' as origin, policy, target_seconds, is_business_hours,
        event_at as applied_at,
        lead(event_at) over clock as replaced_at,
        row_number() over clock < count(*) over (partition by source, ticket_id, metric, instance)
            and lead(target_seconds) over clock is null as is_withdrawn
    from changed_applications
    window clock as (partition by source, ticket_id, metric, instance order by event_at, event_order)
),

breaches as (
    select source, ticket_id, metric, cast(instance as bigint) as instance, event_at as breached_at
    from {{ ref('zendesk__sla_events') }}
    where event_type = 'breach'
),

vendor_breaches as (
    select v.source, v.ticket_id, v.metric, v.instance, v.applied_at, min(b.breached_at) as breached_at
    from vendor as v
    inner join breaches as b
        on v.source = b.source and v.ticket_id = b.ticket_id and v.metric = b.metric and v.instance = b.instance
        and b.breached_at >= v.applied_at and (v.replaced_at is null or b.breached_at < v.replaced_at)
    group by v.source, v.ticket_id, v.metric, v.instance, v.applied_at
),

own_clocks as (
    select c.source, c.ticket_id, c.metric, c.instance, min(c.started_at) as started_at, max(c.fulfilled_at) as fulfilled_at
    from {{ ref('int_sla_clocks') }} as c
    where c.origin = 'own' and {{ is_touched('c') }}
    group by c.source, c.ticket_id, c.metric, c.instance
),

{#- The priority in force, from its history where there is one. #}
own_priorities as (
    select
        c.*,
        coalesce(p.value, t.priority) as priority,
        greatest(c.started_at, coalesce(p.started_at, c.started_at)) as applied_at,
        t.complexity,
        t.segment,
        t.channel
    from own_clocks as c
    inner join {{ ref('int_tickets') }} as t on c.source = t.source and c.ticket_id = t.ticket_id
    left join {{ ref('int_ticket_spans') }} as p
        on c.source = p.source and c.ticket_id = p.ticket_id and p.kind = 'priority'
        and p.held_until > c.started_at and p.started_at < coalesce(c.fulfilled_at, {{ the_end() }})
),

own_matches as (
    select
        p.*,
        o.policy,
        o.target_minutes * 60 as target_seconds,
        o.is_business_hours,
        row_number() over (
            partition by p.source, p.ticket_id, p.metric, p.instance, p.applied_at
            order by
                case when o.source <> '*' then 1 else 0 end + case when o.priority is not null then 1 else 0 end
                + case when o.complexity is not null then 1 else 0 end + case when o.segment is not null then 1 else 0 end
                + case when o.channel is not null then 1 else 0 end desc,
                o.target_minutes, o.policy
        ) as match_no
    from own_priorities as p
    inner join {{ ref('own_sla_targets') }} as o
        on o.metric = p.metric and o.source in (p.source, '*')
        and (o.priority is null or o.priority = p.priority)
        and (o.complexity is null or o.complexity = p.complexity)
        and (o.segment is null or o.segment = p.segment)
        and (o.channel is null or o.channel = p.channel)
        and (o.valid_from is null or {{ business_date('p.applied_at') }} >= o.valid_from)
        and (o.valid_to is null or {{ business_date('p.applied_at') }} < o.valid_to)
),

own as (
    select
        source, ticket_id, metric, instance, 'own' as origin, policy, target_seconds, is_business_hours, applied_at,
        lead(applied_at) over (partition by source, ticket_id, metric, instance order by applied_at) as replaced_at,
        false as is_withdrawn
    from own_matches
    where match_no = 1
)

select v.*, b.breached_at as vendor_breached_at
from vendor as v
left join vendor_breaches as b
    on v.source = b.source and v.ticket_id = b.ticket_id and v.metric = b.metric and v.instance = b.instance
    and v.applied_at = b.applied_at
where v.target_seconds is not null
union all
select o.*, cast(null as timestamp) from own as o
