{{ config(
    materialized='incremental', incremental_strategy='replace_touched', pre_hook="{{ forget_before() }}",
    meta={'next_at': 'touched', 'keeps_before': true, 'settled_at': 'coalesce(ended_at, breached_at)', 'moving': ['elapsed_seconds']}
) }}
{#- Every target that ever stood on a counted ticket's SLA clock, with its outcome at the as-of time. #}
{%- set target = 'source, ticket_id, metric, instance, applied_at' -%}
{%- set run = 'r.source, r.ticket_id, r.metric, r.instance, r.applied_at, r.target_micros, r.started_at, r.is_to_the_end' -%}
with counted as (
    select t.* from {{ ref('int_tickets') }} as t where t.exclusion_reason is null and t.is_timed and {{ is_touched('t') }}
),

applied as (
    select
        a.*,
        cast(round(a.target_seconds * 1e6) as bigint) as target_micros,
        c.clock_started_at,
        c.is_end_lost,
        c.over_at,
        case when c.fulfilled_at <= coalesce(a.replaced_at, {{ the_end() }}) then c.fulfilled_at end as fulfilled_at,
        least(c.fulfilled_at, a.replaced_at, {{ as_of() }}) as stands_until
    from {{ ref('int_sla_applied') }} as a
    inner join counted as t on a.source = t.source and a.ticket_id = t.ticket_id
    inner join {{ ref('int_sla_clocks') }} as c
        on a.source = c.source and a.ticket_id = c.ticket_id and a.metric = c.metric and a.instance = c.instance and c.is_last_run
    {#- What is put on a clock that has ended never runs. #}
    where c.fulfilled_at is null or a.applied_at <= c.fulfilled_at
),

runs as (
    select
        a.source, a.ticket_id, a.metric, a.instance, a.applied_at, a.is_business_hours, a.target_micros, c.started_at,
        least(c.ended_at, a.stands_until) as ended_at,
        c.ended_at is null or c.ended_at >= a.stands_until as is_to_the_end
    from applied as a
    inner join {{ ref('int_sla_clocks') }} as c
        on a.source = c.source and a.ticket_id = c.ticket_id and a.metric = c.metric and a.instance = c.instance
        and c.started_at <= a.stands_until
),

{#- Where runs begin and end on the target's own clock; by the ticket's last schedule too where it was switched. #}
positions as (
    select
        {{ run }}, 'calendar' as clock,
        {{ micros_between(the_epoch(), 'r.started_at') }} as from_position, {{ micros_between(the_epoch(), 'r.ended_at') }} as to_position
    from runs as r
    where not r.is_business_hours
    union all
    select {{ run }}, 'business', {{ business_position('s', 'r.started_at') }}, {{ business_position('e', 'r.ended_at') }}
    from runs as r
    {{ join_business_position('s', 'r', 'r.started_at') }}
    {{ join_business_position('e', 'r', 'r.ended_at') }}
    where r.is_business_hours
    union all
    select {{ run }}, 'last_schedule', {{ open_micros('s_c', 'r.started_at') }}, {{ open_micros('e_c', 'r.ended_at') }}
    from runs as r
    {{ join_business_position('s', 'r', 'r.started_at', 'last') }}
    {{ join_business_position('e', 'r', 'r.ended_at', 'last') }}
    where r.is_business_hours and s_s.has_switched
),

totals as (
    select
        {{ target }}, clock, target_micros,
        cast(sum(to_position - from_position) as bigint) as elapsed_micros,
        max(from_position) as last_from,
        max(to_position) as last_to,
        bool_or(is_to_the_end) as runs_to_the_end
    from positions
    group by {{ target }}, clock, target_micros
),

{#- Targets that were reached in a run before the last: the run that reached them. #}
earlier_runs as (
    select
        p.*,
        cast(coalesce(sum(p.to_position - p.from_position) over (
            partition by p.source, p.ticket_id, p.metric, p.instance, p.applied_at, p.clock order by p.started_at
            rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as micros_before
    from positions as p
    inner join totals as t on {{ on_same_target('p', 't') }} and p.clock = t.clock
    where t.elapsed_micros - (t.last_to - t.last_from) >= t.target_micros
),

{#- Due where the clock reaches the target: in the past, or as if the clock ran on. One that stands still has no due time. #}
due as (
    select
        t.*,
        case
            when t.elapsed_micros - (t.last_to - t.last_from) >= t.target_micros then e.from_position + e.target_micros - e.micros_before
            when t.elapsed_micros >= t.target_micros or t.runs_to_the_end then t.last_to + t.target_micros - t.elapsed_micros
        end as due_position
    from totals as t
    left join earlier_runs as e
        on {{ on_same_target('t', 'e') }} and t.clock = e.clock
        and e.micros_before < e.target_micros and e.micros_before + e.to_position - e.from_position >= e.target_micros
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

schedule_clocks as (
    select source, ticket_id, schedule_key, 'business' as clock, valid_from, valid_to, clock_from, clock_to, position_offset
    from {{ ref('int_ticket_schedules') }}
    union all
    select
        source, ticket_id, schedule_key, 'last_schedule', {{ the_beginning() }}, {{ the_end() }}, -9000000000000000, 9000000000000000, 0
    from {{ ref('int_ticket_schedules') }}
    where is_last and has_switched
),

{#- As the target stood: the schedule that was in force at its end goes on. #}
schedules_at_due as (
    select
        d.source, d.ticket_id, d.metric, d.instance, d.applied_at, d.clock,
        s.schedule_key, d.due_position - s.position_offset as schedule_position
    from due as d
    inner join applied as a on {{ on_same_target('d', 'a') }}
    inner join schedule_clocks as s
        on d.source = s.source and d.ticket_id = s.ticket_id and d.clock = s.clock
        and s.valid_from <= a.stands_until and d.due_position > s.clock_from
    where d.due_position <= s.clock_to or s.valid_to > a.stands_until
),

due_on_schedules as (
    select d.*, s.schedule_key, s.schedule_position
    from due as d
    left join schedules_at_due as s on {{ on_same_target('d', 's') }} and d.clock = s.clock
),

measured as (
    select
        d.source, d.ticket_id, d.metric, d.instance, d.applied_at, d.clock, d.elapsed_micros, d.runs_to_the_end,
        case
            when d.clock = 'calendar' then {{ add_micros(the_epoch(), 'd.due_position') }}
            else {{ add_micros('b.starts_at', '(d.schedule_position - b.from_position)') }}
        end as due_at
    from due_on_schedules as d
    left join segments_by_bucket as b
        on d.schedule_key = b.schedule_key and cast(floor(d.schedule_position / 86400e6) as bigint) = b.bucket
        and d.schedule_position > b.from_position and d.schedule_position <= b.to_position
),

judged as (
    select
        a.*,
        m.due_at,
        case when m.ticket_id is not null then m.elapsed_micros when a.clock_started_at is not null then 0 end as elapsed_micros,
        coalesce(m.runs_to_the_end, false) as runs_to_the_end,
        coalesce(l.due_at, m.due_at) as due_at_last_schedule,
        l.elapsed_micros as elapsed_micros_last_schedule,
        case
            when a.origin = 'vendor' then a.vendor_breached_at
            when m.due_at < a.stands_until then greatest(m.due_at, a.applied_at)
        end as breached_at
    from applied as a
    left join measured as m on {{ on_same_target('a', 'm') }} and m.clock <> 'last_schedule'
    left join measured as l on {{ on_same_target('a', 'l') }} and l.clock = 'last_schedule'
),

{#- The clock counts once: what was put on it after its breach is not counted. #}
counted_once as (
    select
        *,
        min(breached_at) over (
            partition by source, ticket_id, metric, instance order by applied_at rows between unbounded preceding and 1 preceding
        ) is not null as is_on_breached_clock
    from judged
),

declared as (
    select
        d.source, d.ticket_id, d.metric, d.applied_at, d.due_at,
        case when d.ended_at <= {{ as_of() }} then d.ended_at end as ended_at,
        coalesce(d.verdict, case
            when d.is_end_lost then 'unknown'
            when d.due_at < least(d.ended_at, {{ as_of() }}) then 'breached'
            when d.ended_at <= {{ as_of() }} then 'met'
            else 'active'
        end) as outcome,
        {#- Of a solved ticket's target without an end nobody knows how long it ran. #}
        case
            when d.is_end_lost then null
            when d.ended_at <= {{ as_of() }} then d.ended_at
            when coalesce(d.verdict, 'active') = 'active' and t.status not in ('solved', 'closed') then {{ as_of() }}
        end as ran_until
    from {{ ref('int_declared_targets') }} as d
    inner join counted as t on d.source = t.source and d.ticket_id = t.ticket_id
    where d.due_at is not null or d.verdict is not null
),

targets as (
    select
        source, ticket_id, policy, metric, instance, origin, target_seconds, is_business_hours, applied_at, due_at,
        due_at_last_schedule,
        coalesce(fulfilled_at, replaced_at, over_at) as ended_at,
        case when not is_end_lost or replaced_at is not null then elapsed_micros end as elapsed_micros,
        case when not is_end_lost or replaced_at is not null then coalesce(elapsed_micros_last_schedule, elapsed_micros) end
            as elapsed_micros_last_schedule,
        fulfilled_at is null and replaced_at is null and not runs_to_the_end and not is_end_lost as is_paused,
        case
            when is_on_breached_clock then 'superseded'
            {#- Ours also where its clock ran out at a time that no schedule gives. #}
            when breached_at is not null or (origin = 'own' and elapsed_micros > target_micros) then 'breached'
            when fulfilled_at is not null then 'met'
            when is_withdrawn then 'cancelled'
            when replaced_at is not null then 'superseded'
            when is_end_lost then 'unknown'
            else 'active'
        end as outcome,
        case when not is_on_breached_clock then breached_at end as breached_at
    from counted_once
    union all
    select
        source, ticket_id, null, metric, 1, 'declared', {{ seconds(micros_between('applied_at', 'due_at')) }}, false, applied_at, due_at,
        due_at as due_at_last_schedule,
        ended_at,
        {{ micros_between('applied_at', 'ran_until') }},
        {{ micros_between('applied_at', 'ran_until') }},
        false,
        outcome,
        case when outcome = 'breached' and due_at <= {{ as_of() }} then due_at end
    from declared
),

{#- Whose it was: who held the ticket when it was breached or ended. A stay in a group ends with who has it until then. #}
answered_for as (
    select
        *,
        case
            when breached_at is null and ended_at is not null and metric = 'group_ownership' then {{ add_micros('ended_at', -1) }}
            else coalesce(breached_at, ended_at, {{ as_of() }})
        end as held_at
    from targets
),

states as (
    select
        s.source, s.ticket_id, s.started_at, s.held_until, s.priority, s.group_id, s.assignee_id,
        s.has_priority_history, s.has_group_history, s.has_assignee_history
    from {{ ref('int_ticket_states') }} as s
    where {{ is_touched('s') }}
)

select
    g.source,
    g.ticket_id,
    g.policy,
    g.metric,
    cast(g.instance as integer) as instance,
    g.origin,
    {#- What has no history has the newest value. #}
    case when put.ticket_id is null then t.priority else put.priority end as priority,
    t.complexity,
    t.segment,
    t.product,
    t.service_area,
    t.channel,
    t.organization_id,
    case when held.ticket_id is null then t.group_id else held.group_id end as group_id,
    case when held.ticket_id is null then t.assignee_id else held.assignee_id end as agent_id,
    cast(g.target_seconds as double) as target_seconds,
    g.is_business_hours,
    g.applied_at,
    g.due_at,
    g.due_at_last_schedule,
    g.ended_at,
    cast({{ seconds('g.elapsed_micros') }} as double) as elapsed_seconds,
    cast({{ seconds('g.elapsed_micros_last_schedule') }} as double) as elapsed_seconds_last_schedule,
    g.is_paused,
    g.outcome,
    g.breached_at,
    {#- An outcome that its own times contradict, and why. A vendor may still stamp what was due within the last hour. #}
    case
        when not coalesce(
            (g.outcome = 'met' and g.elapsed_micros > round(g.target_seconds * 1e6))
            or (g.outcome = 'active' and g.due_at < case when g.origin = 'vendor' then {{ add_micros(as_of(), -3600000000) }} else {{ as_of() }} end),
            false
        ) then null
        when g.origin = 'own' then 'unexplained'
        when g.origin = 'declared' then 'source_verdict'
        when coalesce(
            case when g.outcome = 'met' then g.elapsed_micros_last_schedule <= round(g.target_seconds * 1e6) else g.due_at_last_schedule >= {{ as_of() }} end,
            false
        ) then 'schedule_convention'
        else 'no_stamp'
    end as time_conflict,
    {{ newest_values({
        'priority': 't.priority is not null and not coalesce(put.has_priority_history, false)',
        'group_id': 't.group_id is not null and not coalesce(held.has_group_history, false)',
        'agent_id': 't.assignee_id is not null and not coalesce(held.has_assignee_history, false)'
    }) }} as newest_values,
    {{ local_parts('coalesce(g.ended_at, g.breached_at)', 'outcome') }}
from answered_for as g
inner join counted as t on g.source = t.source and g.ticket_id = t.ticket_id
left join states as put
    on g.source = put.source and g.ticket_id = put.ticket_id and g.applied_at >= put.started_at and g.applied_at < put.held_until
left join states as held
    on g.source = held.source and g.ticket_id = held.ticket_id and g.held_at >= held.started_at and g.held_at < held.held_until
