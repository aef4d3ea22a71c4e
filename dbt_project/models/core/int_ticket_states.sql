{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{%- set updates_in_order = {'partition': 'source, ticket_id', 'order': 'started_at, update_no'} -%}
with tickets as (
    select t.* from {{ ref('int_tickets') }} as t where {{ is_touched('t') }}
),

{#- '' says that there is none any more; a priority in another word than ours is none. #}
events as (
    select
        e.source,
        e.ticket_id,
        e.event_id,
        e.event_at,
        e.is_time_known,
        e.origin,
        e.event_no,
        e.kind,
        case when e.kind = 'priority' and {{ priority_rank('e.value') }} is null then '' else coalesce(e.value, '') end as value
    from {{ ref('int_ticket_events') }} as e
    where e.kind in ('status', 'priority', 'group', 'assignee') and {{ is_touched('e') }}
),

{#- Within one update the last word counts. #}
updates as (
    select
        source,
        ticket_id,
        event_id,
        min(event_at) as started_at,
        bool_and(is_time_known) as is_time_known,
        max(origin) as origin,
        bool_and(is_time_known or origin = 'events') as is_dated,
        min(event_no) as update_no,
        {% for kind in ['status', 'priority', 'group', 'assignee'] %}
        max_by(value, case when kind = '{{ kind }}' then event_no end) as new_{{ kind }}{{ ',' if not loop.last }}
        {% endfor %}
    from events
    group by source, ticket_id, event_id
),

positioned as (
    select u.*, {{ business_positions('p', 'u.started_at', 'position_from') }}
    from updates as u
    {{ join_business_positions('p', 'u', 'u.started_at') }}
),

with_previous as (
    select
        *,
        {% for kind in ['status', 'group', 'assignee', 'priority'] %}
        {{ last_known_before('new_' ~ kind, **updates_in_order) }} as old_{{ kind }},
        {% endfor %}
        {#- Gaps in between do not count: a deleted ticket that comes back, a holder who takes it up again. #}
        {% for kind, gap in [('status', 'deleted'), ('group', ''), ('assignee', ''), ('priority', '')] %}
        {{ last_known_before("nullif(new_" ~ kind ~ ", '" ~ gap ~ "')", **updates_in_order) }} as last_{{ kind }},
        {% endfor %}
        {% for name, expression in {
            'any_status': 'max(new_status)', 'any_priority': 'max(new_priority)', 'any_group': 'max(new_group)', 'any_assignee': 'max(new_assignee)',
            'first_started_at': 'min(started_at)'
        }.items() %}
        {{ expression }} over (
            partition by source, ticket_id order by started_at, update_no rows between unbounded preceding and unbounded following
        ) as {{ name }},
        {% endfor %}
        {% for column in ['started_at', 'is_dated', 'position_from', 'position_from_last_schedule'] %}
        lead({{ column }}) over (partition by source, ticket_id order by started_at, update_no) as next_{{ column }},
        {% endfor %}
        row_number() over (partition by source, ticket_id order by started_at, update_no) as state_no
    from positioned
),

{#- A log of assignments that begins with the ticket is its whole history. #}
told as (
    select
        k.*,
        t.created_at,
        t.priority,
        t.group_id,
        t.assignee_id,
        t.is_sampled,
        k.any_status is not null as has_status_history,
        {#- Of a history that begins later, an agent has been at the ticket by then. #}
        case when {{ begins_with_ticket('k.first_started_at', 't.created_at') }} then 'new' else 'open' end as first_status,
        {% for kind in ['priority', 'group', 'assignee'] %}
        k.any_{{ kind }} is not null or (t.logs_assignment and {{ begins_with_ticket('k.first_started_at', 't.created_at') }})
            as has_{{ kind }}_history{{ ',' if not loop.last }}
        {% endfor %}
    from with_previous as k
    inner join tickets as t on k.source = t.source and k.ticket_id = t.ticket_id
),

states as (
    select
        k.source,
        k.ticket_id,
        k.created_at,
        k.state_no,
        k.started_at,
        k.is_time_known,
        k.origin,
        k.is_dated,
        k.is_dated and coalesce(k.next_is_dated, true) and not k.is_sampled as is_length_known,
        k.next_started_at as ended_at,
        coalesce(k.next_started_at, {{ the_end() }}) as held_until,
        case when k.has_status_history then coalesce(k.new_status, k.old_status, k.first_status) end as status,
        {% for kind, column in [('priority', 'priority'), ('group', 'group_id'), ('assignee', 'assignee_id')] %}
        case when k.has_{{ kind }}_history then nullif(coalesce(k.new_{{ kind }}, k.old_{{ kind }}), '') else k.{{ column }} end as {{ column }},
        {% endfor %}
        case when k.has_status_history and k.state_no > 1 then coalesce(k.old_status, k.first_status) end as previous_status,
        {% for kind, column in [('priority', 'priority'), ('group', 'group_id'), ('assignee', 'assignee_id')] %}
        case when k.has_{{ kind }}_history then nullif(k.old_{{ kind }}, '') else k.{{ column }} end as previous_{{ column }},
        {% endfor %}
        k.has_status_history,
        k.has_priority_history,
        k.has_group_history,
        k.has_assignee_history,
        coalesce(k.new_status in ('solved', 'closed') and (k.last_status is null or k.last_status not in ('solved', 'closed')), false)
            as is_solve,
        coalesce(k.new_status in ({{ unsolved_statuses() }}) and k.last_status in ('solved', 'closed'), false) as is_reopening,
        coalesce(nullif(k.new_group, '') <> k.last_group, false) as is_group_hop,
        coalesce(nullif(k.new_assignee, '') <> k.last_assignee, false) as is_assignee_hop,
        coalesce({{ priority_rank('k.new_priority') }} > {{ priority_rank('k.last_priority') }}, false) as is_priority_raise,
        coalesce(nullif(k.new_assignee, ''), k.last_assignee) is null as is_before_assignment,
        k.position_from,
        k.position_from_last_schedule,
        k.next_position_from as position_to,
        k.next_position_from_last_schedule as position_to_last_schedule
    from told as k
),

{#- After a hand-over the ticket waits until its new holder does something, somebody is found to hold it, it leaves the group, is handed on
    or solved. #}
hand_overs as (
    select source, ticket_id, state_no, started_at, group_id, assignee_id
    from states
    where is_dated and (is_group_hop or is_assignee_hop) and status in ({{ unsolved_statuses() }})
),

taken_up as (
    select source, ticket_id, state_no, min(taken_up_at) as taken_up_at
    from (
        select h.source, h.ticket_id, h.state_no, s.started_at as taken_up_at
        from hand_overs as h
        inner join states as s on h.source = s.source and h.ticket_id = s.ticket_id and s.state_no > h.state_no
        where s.is_dated and (
            s.is_group_hop or s.is_assignee_hop or s.is_solve or s.group_id is distinct from h.group_id
            or (h.assignee_id is null and s.assignee_id is not null)
        )
        union all
        select h.source, h.ticket_id, h.state_no, e.event_at
        from hand_overs as h
        inner join {{ ref('int_ticket_events') }} as e
            on h.source = e.source and h.ticket_id = e.ticket_id and h.assignee_id = e.actor_id and e.event_at >= h.started_at
    ) as ends
    group by source, ticket_id, state_no
),

waits as (
    select t.*, {{ business_positions('w', 't.taken_up_at', 'taken_up_position') }}
    from taken_up as t
    {{ join_business_positions('w', 't', 't.taken_up_at') }}
)

select
    s.*,
    w.taken_up_at,
    w.taken_up_position,
    w.taken_up_position_last_schedule
from states as s
left join waits as w on s.source = w.source and s.ticket_id = w.ticket_id and s.state_no = w.state_no
