{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- Where a vendor's own number is another than ours, beyond the rounding of its unit, and why. A reason is found by computing the
    vendor's number by the rules that the seed vendor_numbers names; what none of them gives is unexplained. #}
with replies as (
    select source, ticket_id, waits_from, replied_at, seconds, business_seconds
    from {{ ref('ticket_replies') }} as r
    where not is_first_reply and waits_from is not null and replied_at is not null and {{ is_touched('r') }}
),

next_replies as (
    select source, ticket_id, sum(seconds) as calendar_seconds, sum(business_seconds) as business_seconds
    from replies
    group by source, ticket_id
),

side_by_side as (
    select
        v.*,
        t.first_reply_origin
        {% for column, measure, clock, ours in compared_numbers() %}
        , cast({{ ours }} as double) as our_{{ column }}
        {% endfor %}
    from {{ ref('int_vendor_numbers') }} as v
    inner join {{ ref('tickets') }} as t on v.source = t.source and v.ticket_id = t.ticket_id
    left join next_replies as r on v.source = r.source and v.ticket_id = r.ticket_id
    where {{ is_touched('v') }}
),

{#- Beyond the rounding of the vendor's unit, for each number that is added up. Not every account has the finer figure. #}
differing as (
    {% for column, measure, clock, ours in compared_numbers() %}
    {%- set theirs = 'c.' ~ column ~ ' * coalesce(n.unit_seconds, 1)' %}
    {%- set tolerance = 'coalesce(n.unit_seconds, 1)' ~ (' * greatest(c.next_replies, 1)' if measure == 'next_reply' else '') %}
    {%- if column == 'first_reply_exact' %}
    {#- Ours is the vendor's, in its minutes. #}
    {%- set tolerance = "case when c.first_reply_origin = 'vendor' then 60 else " ~ tolerance ~ " end" %}
    {%- endif %}
    select
        c.source, c.ticket_id, c.published_in, n.vendor_field, '{{ measure }}' as measure, '{{ clock }}' as clock,
        c.our_{{ column }} as ours, {{ theirs }} as theirs, {{ tolerance }} as tolerance,
        ' ' || coalesce(n.readings, '') || ' ' as readings, c.read_at
    from side_by_side as c
    inner join {{ ref('vendor_numbers') }} as n on c.published_in = n.published_in and n.number = '{{ column }}'
    where abs({{ theirs }} - c.our_{{ column }}) >= {{ tolerance }}
       or (c.{{ column }} is not null and c.our_{{ column }} is null)
       {% if column != 'first_reply_exact' %}
       or (c.{{ column }} is null and c.our_{{ column }} is not null and c.is_full_set)
       {% endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- The tickets, and of what it is that numbers differ. #}
wanted as (select source, ticket_id, measure, max(read_at) as read_at from differing group by source, ticket_id, measure),

tickets as (
    select w.source, w.ticket_id, w.measure, w.read_at, m.created_at, m.first_reply_at, m.first_solved_at, m.last_solved_at, m.is_resolved
    from wanted as w
    inner join {{ ref('int_ticket_measures') }} as m on w.source = m.source and w.ticket_id = m.ticket_id
),

status_spans as (
    select t.*, s.value, s.started_at, s.ended_at
    from tickets as t
    inner join {{ ref('int_ticket_spans') }} as s on t.source = s.source and t.ticket_id = s.ticket_id
    where s.kind = 'status' and s.ended_at is not null
),

turns as (
    select
        t.source, t.ticket_id, t.measure, t.read_at, e.event_at, e.event_no,
        e.kind = 'status' or e.actor_role = 'agent' as is_end,
        min(case when e.kind = 'comment' and e.actor_role = 'end_user' then e.event_at end) over (
            partition by t.source, t.ticket_id, t.measure
        ) as asked_at
    from tickets as t
    inner join {{ ref('int_ticket_events') }} as e on t.source = e.source and t.ticket_id = e.ticket_id
    where t.measure in ('first_reply', 'next_reply') and (
        (e.kind = 'status' and e.value in ('solved', 'closed'))
        or (e.kind = 'comment' and e.is_public and (e.actor_role = 'end_user' or (e.actor_role = 'agent' and not e.is_opening)))
    )
),

{#- Conversations by the vendor's reply clock: a stretch ends with a reply or a solve, and begins with the first question after it. Where the
    first of all clocks begins with the first question, what ended before that is no end. #}
conversations as (
    select
        *,
        {% for column, condition in [('stretch_no', 'is_end'), ('asked_stretch_no', 'is_end and event_at >= asked_at')] %}
        coalesce(sum(case when {{ condition }} then 1 else 0 end) over (
            partition by source, ticket_id, measure order by event_at, event_no rows between unbounded preceding and 1 preceding
        ), 0) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from turns
),

{#- What accounts wrote that the rule file names as programs. The vendor counts their replies, and opening comments perhaps. #}
bot_replies as (
    select
        w.source, w.ticket_id, w.measure,
        min(case when not e.is_opening then e.event_at end) as first_reply_at,
        count(case when b.user_id is not null and not e.is_opening then 1 end) as replies,
        count(case when b.user_id is not null then 1 end) as comments
    from wanted as w
    inner join {{ ref('int_ticket_events') }} as e on w.source = e.source and w.ticket_id = e.ticket_id
    left join {{ ref('bots') }} as b on e.source = b.source and e.actor_id = b.user_id and coalesce(b.is_bot, true)
    where w.measure in ('first_reply', 'public_agent_replies')
      and e.kind = 'comment' and e.is_public and (e.actor_role = 'agent' or b.user_id is not null)
    group by w.source, w.ticket_id, w.measure
    having count(b.user_id) > 0
),

{#- The stretches of time that each reading adds up; of conversations those that had ended when the vendor's number was read. #}
stretches as (
    select
        source, ticket_id, measure,
        case when is_resolved or measure <> 'full_resolution' then 'ours' else 'so_far' end as reading,
        created_at as from_at,
        case measure when 'first_reply' then first_reply_at when 'first_resolution' then first_solved_at else last_solved_at end as to_at
    from tickets
    where measure in ('first_reply', 'first_resolution', 'full_resolution')
    union all
    select source, ticket_id, measure, 'ends_at_solve', created_at, least(first_reply_at, first_solved_at)
    from tickets
    where measure = 'first_reply'
    union all
    select
        source, ticket_id, measure, 'from_question',
        min(case when not is_end then event_at end), min(case when is_end and event_at between asked_at and read_at then event_at end)
    from conversations
    where (asked_stretch_no = 0) = (measure = 'first_reply')
    group by source, ticket_id, measure, asked_stretch_no
    union all
    select t.source, t.ticket_id, t.measure, 'bots_reply', t.created_at, b.first_reply_at
    from tickets as t
    inner join bot_replies as b on t.source = b.source and t.ticket_id = b.ticket_id and t.measure = b.measure
    where t.measure = 'first_reply'
    union all
    select source, ticket_id, measure, 'unsolved_only', started_at, ended_at
    from status_spans
    where measure = 'full_resolution' and value in ({{ unsolved_statuses() }}) and ended_at <= last_solved_at
    union all
    {#- A wait that has not been is none so far. #}
    select source, ticket_id, measure, 'so_far' as reading, created_at as from_at, created_at as to_at
    from tickets
    where measure in ('requester_wait', 'agent_wait', 'on_hold', 'agent_work') and not is_resolved
    {% for measure, values in [
        ('requester_wait', "'new', 'open', 'hold'"), ('agent_wait', "'pending'"), ('on_hold', "'hold'"), ('agent_work', "'new', 'open'")
    ] %}
    union all
    select source, ticket_id, measure, case when is_resolved then 'ours' else 'so_far' end, started_at, ended_at
    from status_spans
    where measure = '{{ measure }}' and value in ({{ values }})
    union all
    select source, ticket_id, measure, 'until_last_solve', started_at, ended_at
    from status_spans
    where measure = '{{ measure }}' and value in ({{ values }}) and ended_at <= last_solved_at and not is_resolved
    {% endfor %}
    union all
    select t.source, t.ticket_id, t.measure, 'ours', r.waits_from, r.replied_at
    from tickets as t
    inner join replies as r on t.source = r.source and t.ticket_id = r.ticket_id
    where t.measure = 'next_reply'
    union all
    select
        source, ticket_id, 'next_reply', 'ends_at_solve',
        min(case when not is_end then event_at end), min(case when is_end and event_at <= read_at then event_at end)
    from conversations
    where measure = 'next_reply' and stretch_no > 0
    group by source, ticket_id, stretch_no
),

ended as (select * from stretches where from_at is not null and to_at is not null),

{#- Over the schedules in force, by the last one, and by the one in force at the end of each stretch. #}
timed as (
    select
        e.source, e.ticket_id, e.measure, e.reading,
        {{ micros_between('e.from_at', 'e.to_at') }} as calendar,
        {{ business_position('b', 'e.to_at') }} - {{ business_position('a', 'e.from_at') }} as in_force,
        coalesce(
            {{ business_position('b_last', 'e.to_at') }} - {{ business_position('a_last', 'e.from_at') }},
            {{ business_position('b', 'e.to_at') }} - {{ business_position('a', 'e.from_at') }}
        ) as last_schedule,
        {{ open_micros('b_c', 'e.to_at') }} - {{ open_micros('from_then', 'e.from_at') }} as schedule_at_event
    from ended as e
    {{ join_business_position('a', 'e', 'e.from_at') }}
    {{ join_business_position('b', 'e', 'e.to_at') }}
    {{ join_business_position('a_last', 'e', 'e.from_at', 'last') }}
    {{ join_business_position('b_last', 'e', 'e.to_at', 'last') }}
    left join {{ ref('int_business_calendar') }} as from_then
        on from_then.schedule_key = b_s.schedule_key and from_then.utc_date = cast(e.from_at as date)
        and e.from_at >= from_then.starts_at and e.from_at < from_then.ends_at
),

totals as (
    select
        source, ticket_id, measure, reading
        {% for column in ['calendar', 'in_force', 'last_schedule', 'schedule_at_event'] %}
        , {{ seconds('sum(' ~ column ~ ')') }} as {{ column }}
        {% endfor %}
    from timed
    group by source, ticket_id, measure, reading
),

{#- The nearest of the vendor's readings that gives its number. Our own reading never does: it would be our published number that is
    wrong. #}
matches as (
    {% for clock, schedule, distance in [
        ('calendar', 'calendar', 0), ('business', 'in_force', 0), ('business', 'schedule_at_event', 1), ('business', 'last_schedule', 2)
    ] %}
    select
        d.source, d.ticket_id, d.published_in, d.vendor_field, r.reading, '{{ schedule }}' as schedule,
        {{ distance }} + case when r.reading = 'ours' then 0 else 3 end as distance
    from differing as d
    inner join totals as r on d.source = r.source and d.ticket_id = r.ticket_id and d.measure = r.measure
    where d.clock = '{{ clock }}' and abs(d.theirs - r.{{ schedule }}) < d.tolerance
      {% if distance > 0 %}
      and d.readings like '% {{ schedule }} %' and (r.reading = 'ours' or d.readings like '% ' || r.reading || ' %')
      {% else %}
      and d.readings like '% ' || r.reading || ' %'
      {% endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    union all
    select d.source, d.ticket_id, d.published_in, d.vendor_field, 'null_for_none', d.clock, 9
    from differing as d
    where d.theirs is null and d.ours = 0 and d.readings like '% null_for_none %'
    union all
    select d.source, d.ticket_id, d.published_in, d.vendor_field, 'bots_reply', d.clock, 9
    from differing as d
    inner join bot_replies as b on d.source = b.source and d.ticket_id = b.ticket_id and d.measure = b.measure
    where d.clock = 'none' and d.theirs - d.ours in (b.replies, b.comments) and d.readings like '% bots_reply %'
),

read_as as (
    select d.*, m.reading, m.schedule
    from differing as d
    left join (
        select
            *,
            row_number() over (
                partition by source, ticket_id, published_in, vendor_field order by distance, reading
            ) as match_no
        from matches
    ) as m
        on d.source = m.source and d.ticket_id = m.ticket_id and d.published_in = m.published_in and d.vendor_field = m.vendor_field
        and m.match_no = 1
),

{#- Of the others: a whole history begins with the ticket, not before it, and ends in the status that the vendor shows. #}
unread as (select distinct source, ticket_id from read_as where reading is null),

histories as (
    select
        e.source, e.ticket_id,
        max(e.event_at) as last_event_at,
        min(case when e.kind = 'status' then e.event_at end) as known_from,
        bool_and(e.is_time_known and e.origin = 'events') as is_dated
    from {{ ref('int_ticket_events') }} as e
    where exists (select 1 from unread as u where u.source = e.source and u.ticket_id = e.ticket_id)
    group by e.source, e.ticket_id
),

whole as (
    select
        u.source, u.ticket_id, h.last_event_at,
        coalesce(h.is_dated and {{ begins_with_ticket('h.known_from', 't.created_at') }} and m.status = t.status, false) as is_whole
    from unread as u
    inner join {{ ref('int_tickets') }} as t on u.source = t.source and u.ticket_id = t.ticket_id
    inner join {{ ref('int_ticket_measures') }} as m on u.source = m.source and u.ticket_id = m.ticket_id
    left join histories as h on u.source = h.source and u.ticket_id = h.ticket_id
),

{#- Tickets on hours that nobody knows: of a schedule that was deleted or edited before it was first fetched. #}
on_unknown_hours as (
    select distinct h.source, h.ticket_id
    from {{ ref('int_ticket_schedules') }} as h
    inner join unread as u on h.source = u.source and h.ticket_id = u.ticket_id
    inner join {{ ref('int_tickets') }} as t on h.source = t.source and h.ticket_id = t.ticket_id
    left join {{ ref('int_schedules') }} as s on h.source = s.source and h.schedule_key = s.schedule_key
    where h.clock_from is null or t.created_at < s.known_from
),

off_by_calendar as (
    select distinct source, ticket_id, published_in, measure from read_as where clock = 'calendar' and reading is null
),

reasoned as (
    select
        d.*,
        case
            when d.reading = 'ours' then 'schedule_convention'
            when d.reading is not null then 'vendor_clock_rule'
            when w.last_event_at > d.read_at then 'later_events'
            when w.is_whole and d.clock = 'business' and h.ticket_id is not null and c.ticket_id is null then 'earlier_schedule'
            when w.is_whole then 'unexplained'
            else 'missing_history'
        end as reason
    from read_as as d
    left join whole as w on d.source = w.source and d.ticket_id = w.ticket_id
    left join on_unknown_hours as h on d.source = h.source and d.ticket_id = h.ticket_id
    left join off_by_calendar as c
        on d.source = c.source and d.ticket_id = c.ticket_id and d.published_in = c.published_in and d.measure = c.measure
)

select
    source,
    ticket_id,
    published_in,
    vendor_field,
    measure,
    clock,
    case when clock = 'none' then 'count' else 'seconds' end as unit,
    ours,
    theirs,
    theirs - ours as difference,
    reason,
    case
        when reading = 'ours' then schedule
        when schedule in ('schedule_at_event', 'last_schedule') then reading || ', ' || schedule
        else reading
    end as reading,
    reason <> 'unexplained' as is_explained
from reasoned
