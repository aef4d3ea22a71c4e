{{ config(
    materialized='incremental', incremental_strategy='replace_touched', pre_hook="{{ forget_before() }}",
    meta={'keeps_before': true, 'settled_at': 'coalesce(ended_at, breached_at)', 'moving': ['elapsed_seconds']}
) }}
{#- Every target that ever stood on a counted ticket's SLA clock, with its outcome at the as-of time. #}
with counted as (
    select t.* from {{ ref('int_tickets') }} as t where t.exclusion_reason is null and {{ is_touched('t') }}
),

applied as (
    select
        a.*,
        cast(round(a.target_seconds * 1e6) as bigint) as target_micros,
        f.fulfilled_at,
        f.last_run_at,
        least(
            coalesce(f.fulfilled_at, {{ as_of() }}), coalesce(a.replaced_at, {{ as_of() }})
        ) as stands_until
    from {{ ref('int_sla_applied') }} as a
    inner join counted as t on a.source = t.source and a.ticket_id = t.ticket_id
    inner join (
        select source, ticket_id, metric, instance, origin, max(fulfilled_at) as fulfilled_at, max(started_at) as last_run_at
        from {{ ref('int_sla_clocks') }}
        group by source, ticket_id, metric, instance, origin
    ) as f on a.source = f.source and a.ticket_id = f.ticket_id and a.metric = f.metric and a.instance = f.instance
        and a.origin = f.origin
    {#- What is put on a clock that has ended never runs. #}
    where f.fulfilled_at is null or a.applied_at <= f.fulfilled_at
),

runs as (
    select
        a.source, a.ticket_id, a.metric, a.instance, a.applied_at, a.is_business_hours, a.target_micros, a.stands_until,
        c.started_at,
        coalesce(c.ended_at, {{ as_of() }}) as ended_at,
        least(coalesce(c.ended_at, {{ as_of() }}), greatest(a.stands_until, c.started_at)) as counted_until
    from applied as a
    inner join {{ ref('int_sla_clocks') }} as c
        on a.source = c.source and a.ticket_id = c.ticket_id and a.metric = c.metric and a.instance = c.instance
        and a.origin = c.origin
),

measured_runs as (
    select
        r.*,
        case
            when r.is_business_hours then {{ business_position('u', 'r.counted_until') }} - {{ business_position('s', 'r.started_at') }}
            else {{ micros_between('r.started_at', 'r.counted_until') }}
        end as counted_micros,
        case
            when r.is_business_hours then {{ business_position('e', 'r.ended_at') }} - {{ business_position('s', 'r.started_at') }}
            else {{ micros_between('r.started_at', 'r.ended_at') }}
        end as run_micros,
        case when r.is_business_hours then {{ business_position('s', 'r.started_at') }} end as clock_position
    from runs as r
    {{ join_business_position('s', 'r', 'r.started_at') }}
    {{ join_business_position('u', 'r', 'r.counted_until') }}
    {{ join_business_position('e', 'r', 'r.ended_at') }}
),

elapsed as (
    select
        *,
        coalesce(sum(run_micros) over (
            partition by source, ticket_id, metric, instance, applied_at order by started_at
            rows between unbounded preceding and 1 preceding
        ), 0) as micros_before,
        sum(counted_micros) over (partition by source, ticket_id, metric, instance, applied_at) as elapsed_micros,
        row_number() over (partition by source, ticket_id, metric, instance, applied_at order by started_at desc) as run_from_end
    from measured_runs
),

{#- The run in which the target falls due: the first that reaches it, else the last as if it went on. #}
due_runs as (
    select
        *,
        row_number() over (
            partition by source, ticket_id, metric, instance, applied_at
            order by case when micros_before + run_micros >= target_micros then 0 else 1 end,
                case when micros_before + run_micros >= target_micros then started_at end,
                started_at desc
        ) as due_no
    from elapsed
),

{#- A clock that stood still when it ended, or stands still now, has no due time unless it reached one. #}
due_positions as (
    select
        *,
        target_micros - micros_before as remaining_micros,
        clock_position + target_micros - micros_before as due_clock
    from due_runs
    where due_no = 1 and (micros_before + run_micros >= target_micros or ended_at >= stands_until)
),

{#- Open segments by the day's worth of open time that their positions fall in: the way back from a position to a time. #}
open_segments as (
    select
        schedule_key, starts_at, open_micros_before as from_position,
        open_micros_before + {{ micros_between('starts_at', 'ends_at') }} as to_position
    from {{ ref('int_business_calendar') }}
    where is_open
),

segments_by_bucket as (
    select *, cast(floor(from_position / 86400e6) as bigint) as bucket from open_segments
    union all
    select *, cast(floor(to_position / 86400e6) as bigint) as bucket
    from open_segments
    where floor(to_position / 86400e6) > floor(from_position / 86400e6)
),

business_due as (
    select
        d.source, d.ticket_id, d.metric, d.instance, d.applied_at,
        {{ add_micros('b.starts_at', '(d.due_clock - s.position_offset - b.from_position)') }} as due_at
    from due_positions as d
    inner join {{ ref('int_ticket_schedules') }} as s
        on d.source = s.source and d.ticket_id = s.ticket_id and d.due_clock > s.clock_from and d.due_clock <= s.clock_to
    inner join segments_by_bucket as b
        on s.schedule_key = b.schedule_key
        and cast(floor((d.due_clock - s.position_offset) / 86400e6) as bigint) = b.bucket
        and d.due_clock - s.position_offset > b.from_position and d.due_clock - s.position_offset <= b.to_position
    where d.is_business_hours
),

due as (
    select
        e.source, e.ticket_id, e.metric, e.instance, e.applied_at, e.elapsed_micros,
        case
            when e.is_business_hours then b.due_at
            else {{ add_micros('d.started_at', 'd.remaining_micros') }}
        end as due_at
    from due_runs as e
    left join due_positions as d
        on e.source = d.source and e.ticket_id = d.ticket_id and e.metric = d.metric and e.instance = d.instance
        and e.applied_at = d.applied_at
    left join business_due as b
        on e.source = b.source and e.ticket_id = b.ticket_id and e.metric = b.metric and e.instance = b.instance
        and e.applied_at = b.applied_at
    where e.due_no = 1
),

judged as (
    select
        a.*,
        d.due_at,
        d.elapsed_micros,
        case
            when a.origin = 'vendor' then a.vendor_breached_at
            when d.due_at < a.stands_until then greatest(d.due_at, a.applied_at)
        end as breached_at
    from applied as a
    left join due as d
        on a.source = d.source and a.ticket_id = d.ticket_id and a.metric = d.metric and a.instance = d.instance
        and a.applied_at = d.applied_at
),

targets as (
    select
        source, ticket_id, policy, metric, instance, origin, target_seconds, is_business_hours, applied_at, due_at,
        case
            when fulfilled_at is not null and (replaced_at is null or fulfilled_at <= replaced_at) then fulfilled_at
            else replaced_at
        end as ended_at,
        elapsed_micros,
        case
            when breached_at is not null then 'breached'
            when fulfilled_at is not null and (replaced_at is null or fulfilled_at <= replaced_at) then 'met'
            when replaced_at is not null and is_withdrawn then 'cancelled'
            when replaced_at is not null then 'superseded'
            else 'active'
        end as outcome,
        breached_at
    from judged
    union all
    select
        d.source, d.ticket_id, null, d.metric, 1, 'declared',
        {{ seconds(micros_between('d.applied_at', 'd.due_at')) }},
        false, d.applied_at, d.due_at,
        case when d.ended_at <= {{ as_of() }} then d.ended_at end,
        {{ micros_between('d.applied_at', 'coalesce(case when d.ended_at <= ' ~ as_of() ~ ' then d.ended_at end, ' ~ as_of() ~ ')') }},
        case
            when d.verdict is not null then d.verdict
            when d.ended_at <= {{ as_of() }} and d.ended_at <= d.due_at then 'met'
            when d.ended_at <= {{ as_of() }} then 'breached'
            when d.due_at < {{ as_of() }} then 'breached'
            else 'active'
        end,
        case
            when d.verdict = 'breached' or (d.verdict is null and d.due_at < coalesce(least(d.ended_at, {{ as_of() }}), {{ as_of() }}))
                then d.due_at
        end
    from {{ ref('files__declared_targets') }} as d
    inner join counted as t on d.source = t.source and d.ticket_id = t.ticket_id
)

select
    g.source,
    g.ticket_id,
    g.policy,
    g.metric,
    cast(g.instance as integer) as instance,
    g.origin,
    coalesce(case when p.value in ('low', 'normal', 'high', 'urgent') then p.value end, t.priority) as priority,
    t.complexity,
    t.segment,
    t.product,
    t.service_area,
    t.channel,
    coalesce(gr.value, t.group_id) as group_id,
    coalesce(ag.value, t.assignee_id) as agent_id,
    cast(g.target_seconds as double) as target_seconds,
    g.is_business_hours,
    g.applied_at,
    g.due_at,
    g.ended_at,
    cast({{ seconds('g.elapsed_micros') }} as double) as elapsed_seconds,
    g.outcome,
    g.breached_at
from targets as g
inner join counted as t on g.source = t.source and g.ticket_id = t.ticket_id
{% for alias, kind, instant in [
    ('p', 'priority', 'g.applied_at'),
    ('gr', 'group', 'coalesce(g.breached_at, g.ended_at, ' ~ as_of() ~ ')'),
    ('ag', 'assignee', 'coalesce(g.breached_at, g.ended_at, ' ~ as_of() ~ ')')
] %}
left join {{ ref('int_ticket_spans') }} as {{ alias }}
    on g.source = {{ alias }}.source and g.ticket_id = {{ alias }}.ticket_id and {{ alias }}.kind = '{{ kind }}'
    and {{ instant }} >= {{ alias }}.started_at and {{ instant }} < {{ alias }}.held_until
{% endfor %}
