{{ config(meta={'next_at': 'touched'}, materialized='incremental', incremental_strategy='replace_touched') }}
{%- set clocks = {'business': '', 'business_last_schedule': '_last_schedule'} -%}
{%- set spent = {
    'requester_wait': "status in ('new', 'open', 'hold')", 'agent_wait': "status = 'pending'", 'on_hold': "status = 'hold'",
    'agent_work': "status in ('new', 'open')", 'in_new': "status = 'new'", 'in_open': "status = 'open'",
    'unassigned': 'assignee_id is null and status in (' ~ unsolved_statuses() ~ ')'
} -%}
{#- Of these the vendor's own count stands where events do not tell them; agents work while the requester waits, except on hold. #}
{%- set counted_by_vendor = ['requester_wait', 'agent_wait', 'on_hold', 'agent_work'] -%}
{%- set moments = {
    'first_solved': ('min', 'is_solve', 'is_time_known'), 'last_solved': ('max', 'is_solve', 'is_time_known'),
    'first_assigned': ('min', 'assignee_id is not null and has_assignee_history', 'is_dated')
} -%}
with tickets as (
    select * from {{ ref('int_tickets') }} as t where {{ is_touched('t') }}
),

milestones as (
    select
        source,
        ticket_id,
        {% for name, (edge, condition, is_known) in moments.items() %}
        {%- set is_known = edge ~ '_by(' ~ is_known ~ ', case when ' ~ condition ~ ' then state_no end)' %}
        {{ edge }}_by(origin, case when {{ condition }} then state_no end) as {{ name }}_origin,
        case when {{ is_known }} then {{ edge }}(case when {{ condition }} then started_at end) end as {{ name }}_at,
        {% for suffix in clocks.values() %}
        case when {{ is_known }} then {{ edge }}(case when {{ condition }} then position_from{{ suffix }} end) end as {{ name }}_position{{ suffix }},
        {% endfor %}
        {% endfor %}
        bool_or(is_solve and not is_time_known) as has_lost_solve,
        min(case when is_reopening and is_dated then started_at end) as first_reopened_at,
        {#- By then at the latest. #}
        min(case when is_reopening and not is_dated then started_at end) as reopened_by,
        bool_or(not is_dated and has_assignee_history and assignee_id is distinct from previous_assignee_id) as has_undated_assignment,
        {% for name, condition in [
            ('reopens', 'is_reopening'), ('group_hops', 'is_group_hop'), ('assignee_hops', 'is_assignee_hop'),
            ('priority_raises', 'is_priority_raise')
        ] %}
        count(case when {{ condition }} then 1 end) as {{ name }},
        {% endfor %}
        {% for column in ['status', 'priority', 'group_id', 'assignee_id'] %}
        max(case when ended_at is null then {{ column }} end) as {{ column }},
        {% endfor %}
        {% for measure, condition in spent.items() %}
        sum(case when {{ condition }} then {{ micros_between('started_at', 'ended_at') }} end) as {{ measure }}_calendar,
        {% for clock, suffix in clocks.items() %}
        sum(case when {{ condition }} then position_to{{ suffix }} - position_from{{ suffix }} end) as {{ measure }}_{{ clock }},
        {% endfor %}
        {% endfor %}
        bool_or(has_status_history) as has_status_history,
        bool_or(has_group_history) as has_group_history,
        bool_or(has_assignee_history) as has_assignee_history
    from {{ ref('int_ticket_states') }} as s
    where {{ is_touched('s') }}
    group by source, ticket_id
),

{#- Of solves and assignments that only the vendor tells: none was before what events tell last. #}
told_firsts as (
    select
        t.source,
        t.ticket_id,
        {% for name in ['first_solved', 'first_assigned'] %}
        case
            when t.told_{{ name }}_at >= e.last_event_at and t.told_{{ name }}_at <= coalesce(l.{{ 'last_solved' if loop.first else name }}_at, {{ the_end() }})
                then t.told_{{ name }}_at
        end as {{ name }}_at{{ ',' if not loop.last }}
        {% endfor %}
    from tickets as t
    inner join milestones as l on t.source = l.source and t.ticket_id = l.ticket_id
    inner join (
        select s.source, s.ticket_id, max(s.event_at) as last_event_at
        from {{ ref('int_ticket_events') }} as s
        where s.origin = 'events' and {{ is_touched('s') }}
        group by s.source, s.ticket_id
    ) as e on t.source = e.source and t.ticket_id = e.ticket_id
    where 'vendor' in (l.first_solved_origin, l.first_assigned_origin)
),

replies as (
    select
        source,
        ticket_id,
        count(case when origin = 'events' and is_public then replied_at end) as public_agent_replies,
        count(case when origin is distinct from 'vendor' or is_first_reply then waits_from end) as customer_turns,
        min(case when is_first_reply then replied_at end) as first_reply_at,
        max(case when is_first_reply then origin end) as first_reply_origin,
        max(case when is_first_reply then business_micros end) as first_reply_business
    from {{ ref('int_ticket_replies') }} as r
    where {{ is_touched('r') }}
    group by source, ticket_id
),

{#- The first reply by a human after an AI agent handed over; the vendor's is told in minutes. Where replies are missing, only the first is
    known to have had none before it. #}
replies_after_handover as (
    select t.source, t.ticket_id, min(greatest(r.replied_at, t.handed_over_at)) as replied_at
    from tickets as t
    inner join {{ ref('int_ticket_replies') }} as r on t.source = r.source and t.ticket_id = r.ticket_id
    left join {{ ref('int_untold_replies') }} as u on t.source = u.source and t.ticket_id = u.ticket_id
    where (r.is_first_reply or u.ticket_id is null)
      and (r.replied_at >= t.handed_over_at or (r.origin = 'vendor' and {{ micros_between('r.replied_at', 't.handed_over_at') }} < 60000000))
    group by t.source, t.ticket_id
),

instants as (
    select
        t.*,
        a.replied_at as replied_after_handover_at,
        coalesce(l.has_status_history, false) as has_statuses,
        coalesce(l.has_status_history, false) and not t.declares_resolved as has_status_history,
        {#- That it was deleted its own version says. #}
        coalesce(nullif(l.status, 'deleted'), t.status) as last_status,
        {% for column in ['priority', 'group_id', 'assignee_id'] %}
        case when l.source is null then t.{{ column }} else l.{{ column }} end as last_{{ column }},
        {% endfor %}
        case when t.declares_first_reply then t.declared_first_reply_at else r.first_reply_at end as first_reply_at,
        case when t.declares_first_reply then 'declared' else r.first_reply_origin end as first_reply_origin,
        case when not t.declares_first_reply then r.first_reply_business end as told_first_reply_business,
        case
            when l.first_assigned_origin = 'vendor' and t.told_first_assigned_at is not null then f.first_assigned_at
            when coalesce(l.has_assignee_history, false) then l.first_assigned_at
            else t.told_first_assigned_at
        end as first_assigned_at,
        case
            when t.declares_resolved then t.declared_resolved_at
            when l.first_solved_origin = 'vendor' and t.told_first_solved_at <> coalesce(l.first_solved_at, {{ the_end() }}) then f.first_solved_at
            when coalesce(l.has_status_history, false) then l.first_solved_at
            else t.told_first_solved_at
        end as first_solved_at,
        case
            when t.declares_resolved then t.declared_resolved_at
            when coalesce(l.has_status_history, false) then l.last_solved_at
            when t.status in ('solved', 'closed') then t.told_last_solved_at
        end as last_solved_at,
        {% for name in ['first_solved', 'last_solved'] %}
        case
            when t.declares_resolved then 'declared' when coalesce(l.has_status_history, false) then l.{{ name }}_origin else 'vendor'
        end as {{ name }}_origin,
        {% endfor %}
        coalesce(l.first_assigned_origin, 'vendor') as first_assigned_origin,
        l.first_assigned_at as changed_first_assigned_at,
        l.first_solved_at as changed_first_solved_at,
        l.last_solved_at as changed_last_solved_at,
        l.source is null as has_no_history,
        t.is_sampled or coalesce(l.has_undated_assignment, false) as has_undated_assignment,
        coalesce(t.declared_reopens, l.reopens) as reopens,
        coalesce(
            t.declared_replies, u.replies + coalesce(r.public_agent_replies, 0), r.public_agent_replies, case when l.source is not null then 0 end
        ) as public_agent_replies,
        u.replies is not null as has_untold_replies,
        coalesce(r.customer_turns, case when l.source is not null or u.source is not null then 1 end) as customer_turns,
        {#- Who declares when it was resolved decides. #}
        case
            when t.declares_resolved then t.declared_resolved_at is not null or t.is_resolved_lost
            else coalesce(nullif(l.status, 'deleted'), t.status) in ('solved', 'closed')
        end as is_resolved,
        t.declares_first_reply and t.is_first_reply_lost as has_lost_reply,
        case when t.declares_resolved then t.is_resolved_lost else coalesce(l.has_lost_solve, false) end as has_lost_solve
    from tickets as t
    left join milestones as l on t.source = l.source and t.ticket_id = l.ticket_id
    left join told_firsts as f on t.source = f.source and t.ticket_id = f.ticket_id
    left join replies as r on t.source = r.source and t.ticket_id = r.ticket_id
    left join {{ ref('int_untold_replies') }} as u on t.source = u.source and t.ticket_id = u.ticket_id
    left join replies_after_handover as a on t.source = a.source and t.ticket_id = a.ticket_id
),

{#- Events alone do not tell how long a ticket waited that was solved without one: the vendor's count stands, else the time to the solve that
    it dates. #}
waited as (
    select
        i.*,
        case
            when i.is_sampled then null
            when i.has_statuses and (not i.is_resolved or (i.last_solved_at is not null and i.last_solved_origin <> 'vendor')) then 'events'
            when v.requester_wait_calendar <= {{ seconds(micros_between('i.created_at', as_of())) }} and i.is_resolved and not i.declares_resolved
                then 'vendor'
            when i.has_statuses and i.last_solved_at is not null then 'vendor'
        end as waits_origin,
        {% for measure in counted_by_vendor %}
        {% for clock in ['calendar', 'business'] %}
        {%- set told = 'v.' ~ measure ~ '_' ~ clock if measure != 'agent_work'
            else 'case when v.on_hold_' ~ clock ~ ' > v.requester_wait_' ~ clock ~ ' then 0 else v.requester_wait_' ~ clock
                ~ ' - v.on_hold_' ~ clock ~ ' end' %}
        cast(round(1e6 * case
            when {{ told }} <= {{ seconds(micros_between('i.created_at', as_of())) }} then {{ told }}
        end) as bigint) as told_{{ measure }}_{{ clock }},
        {% endfor %}
        {% endfor %}
        {% for count in ['reopens', 'group_hops', 'assignee_hops'] %}
        case when i.has_no_history then cast(v.{{ count }} as bigint) end as told_{{ count }}{{ ',' if not loop.last }}
        {% endfor %}
    from instants as i
    left join {{ ref('int_vendor_measures') }} as v on i.source = v.source and i.ticket_id = v.ticket_id
),

{#- Where on the ticket's opening clock the instants stand that are no change of its state. #}
looked_up as (
    select source, ticket_id, 'created' as instant, created_at as at_time from instants
    union all
    select source, ticket_id, 'first_reply', first_reply_at from instants where first_reply_at is not null
    union all
    select source, ticket_id, 'handed_over', handed_over_at from instants where replied_after_handover_at is not null
    union all
    select source, ticket_id, 'replied_after_handover', replied_after_handover_at from instants where replied_after_handover_at is not null
    union all
    select source, ticket_id, 'first_assigned', first_assigned_at
    from instants
    where first_assigned_at <> coalesce(changed_first_assigned_at, {{ the_end() }}) and not has_no_history
    union all
    select source, ticket_id, 'resolved', last_solved_at
    from instants
    where last_solved_at is not null
      and (last_solved_at is distinct from changed_last_solved_at or first_solved_at is distinct from changed_first_solved_at)
    union all
    select source, ticket_id, 'now', {{ as_of() }} from instants where not is_resolved
),

positioned as (
    select l.source, l.ticket_id, l.instant, {{ business_positions('p', 'l.at_time', 'position') }}
    from looked_up as l
    {{ join_business_positions('p', 'l', 'l.at_time') }}
),

positions as (
    select
        source,
        ticket_id,
        {%- for instant in ['created', 'first_reply', 'handed_over', 'replied_after_handover', 'first_assigned', 'resolved', 'now'] %}
        {%- set is_last = loop.last %}
        {%- for suffix in clocks.values() %}
        max(case when instant = '{{ instant }}' then position{{ suffix }} end) as {{ instant }}_position{{ suffix }}
        {{- ',' if not (is_last and loop.last) }}
        {%- endfor %}
        {%- endfor %}
    from positioned
    group by source, ticket_id
),

{#- When the same customer next came with the same topic, among counted tickets; a follow-up of the ticket is of its topic. #}
rules as (
    select
        s.source,
        coalesce(own.topic, every.topic) as topic,
        coalesce(own.window_days, every.window_days) * 86400000000 as window_micros
    from (select distinct source from tickets) as s
    left join {{ ref('repeat_contacts') }} as own on s.source = own.source
    left join {{ ref('repeat_contacts') }} as every on every.source = '*'
),

contacts as (
    select
        t.source,
        t.ticket_id,
        r.window_micros,
        lead(t.created_at) over (
            partition by t.source, t.customer_id, {{ topic('t', 'r') }} order by t.created_at, t.ticket_id
        ) as next_contact_at
    from {{ ref('int_tickets') }} as t
    inner join rules as r on t.source = r.source
    where t.exclusion_reason is null and {{ is_by_human('t') }}
      and (t.source, t.customer_id) in (select c.source, c.customer_id from tickets as c)
),

follow_ups as (
    select l.source, l.linked_ticket_id as ticket_id, min(f.created_at) as next_follow_up_at
    from {{ ref('int_ticket_links') }} as l
    inner join {{ ref('int_tickets') }} as f on l.source = f.source and l.linking_ticket_id = f.ticket_id
    where l.relation = 'follow_up' and f.exclusion_reason is null and {{ is_by_human('f') }}
    group by l.source, l.linked_ticket_id
),

settled as (
    select
        i.source,
        i.ticket_id,
        least(c.next_contact_at, f.next_follow_up_at) as next_contact_at,
        {#- What was reopened within the window of its creation was so within that of a first solve that no sample shows. #}
        {{ add_micros(
            'coalesce(i.first_solved_at, case when i.is_sampled and ' ~ micros_between('i.created_at', 'l.first_reopened_at')
            ~ ' <= c.window_micros then l.first_reopened_at end)', 'c.window_micros'
        ) }} as settles_at
    from instants as i
    left join milestones as l on i.source = l.source and i.ticket_id = l.ticket_id
    inner join contacts as c on i.source = c.source and i.ticket_id = c.ticket_id
    left join follow_ups as f on i.source = f.source and i.ticket_id = f.ticket_id
)

select
    i.source,
    i.ticket_id,
    i.created_at,
    i.last_status as status,
    i.last_priority as priority,
    i.last_group_id as group_id,
    i.last_assignee_id as assignee_id,
    i.first_reply_at,
    i.first_assigned_at,
    i.first_solved_at,
    i.last_solved_at,
    {% for name in ['first_assigned', 'first_solved', 'last_solved'] %}
    case when i.{{ name }}_at is not null then i.{{ name }}_origin end as {{ name }}_origin,
    {% endfor %}
    i.is_resolved,
    i.has_lost_reply,
    i.has_lost_solve,
    i.has_status_history,
    coalesce(i.reopens, i.told_reopens) as reopens,
    i.public_agent_replies,
    i.customer_turns,
    i.handle_seconds,
    {% for kind in ['group', 'assignee'] %}
    case when l.has_{{ kind }}_history and not i.is_sampled then l.{{ kind }}_hops else i.told_{{ kind }}_hops end as {{ kind }}_hops,
    {% endfor %}
    case when not i.is_sampled then l.priority_raises end as priority_raises,
    s.settles_at,
    {#- Judged when the window is over, not before: an early no would come sooner than an early yes. #}
    case when s.settles_at <= {{ as_of() }} then coalesce(s.next_contact_at <= s.settles_at, false) end as has_repeat_contact,
    case
        {#- A reopening at a time that nobody knows came by the one given at the latest. #}
        when l.reopened_by > s.settles_at and coalesce(l.first_reopened_at > s.settles_at, true) then null
        when s.settles_at <= {{ as_of() }} then coalesce(least(l.first_reopened_at, l.reopened_by) <= s.settles_at, coalesce(i.reopens, i.told_reopens, 0) > 0)
    end as is_reopened_in_window,
    {% for measure, end in {
        'first_reply': 'i.first_reply_at', 'first_assignment': 'i.first_assigned_at', 'first_resolution': 'i.first_solved_at',
        'full_resolution': 'i.last_solved_at', 'unsolved_age': 'case when not i.is_resolved then ' ~ as_of() ~ ' end'
    }.items() %}
    {{ micros_between('i.created_at', end) }} as {{ measure }}_calendar,
    {% endfor %}
    {{ micros_between('i.handed_over_at', 'i.replied_after_handover_at') }} as first_reply_after_handover_calendar,
    {% for clock, suffix in clocks.items() %}
    p.replied_after_handover_position{{ suffix }} - p.handed_over_position{{ suffix }} as first_reply_after_handover_{{ clock }},
    coalesce(i.told_first_reply_business, p.first_reply_position{{ suffix }} - p.created_position{{ suffix }}) as first_reply_{{ clock }},
    coalesce(p.first_assigned_position{{ suffix }}, l.first_assigned_position{{ suffix }}) - p.created_position{{ suffix }}
        as first_assignment_{{ clock }},
    {#- By the vendor's own count where no event says under which schedule it was, or when it was solved first. #}
    {% for measure, moment in {'first_resolution': 'first_solved', 'full_resolution': 'last_solved'}.items() %}
    case
        when p.created_position{{ suffix }} is null or i.{{ moment }}_at is null then null
        when i.{{ moment }}_at = i.changed_{{ moment }}_at then l.{{ moment }}_position{{ suffix }} - p.created_position{{ suffix }}
        when i.has_no_history or i.{{ moment }}_at <> i.last_solved_at
            then coalesce(
                i.told_{{ measure }}_business,
                case when i.{{ moment }}_at = i.last_solved_at then p.resolved_position{{ suffix }} - p.created_position{{ suffix }} end
            )
        else p.resolved_position{{ suffix }} - p.created_position{{ suffix }}
    end as {{ measure }}_{{ clock }},
    {% endfor %}
    p.now_position{{ suffix }} - p.created_position{{ suffix }} as unsolved_age_{{ clock }},
    {% endfor %}
    i.first_reply_origin,
    case when i.is_resolved then i.waits_origin end as waits_origin,
    i.has_untold_replies,
    {% for measure in spent %}
    {%- set is_assignment_known = 'l.has_assignee_history and not i.has_undated_assignment and i.first_assigned_at is not distinct from l.first_assigned_at'
        ~ ' and (i.last_solved_at is not null or not i.is_resolved)' if measure == 'unassigned'
        else "i.waits_origin = 'events' or (i.waits_origin = 'vendor' and i.has_statuses and i.last_solved_at is not null)" %}
    {%- for clock in ['calendar'] + clocks | list %}
    case
        {%- if measure in counted_by_vendor %}
        {%- set told = 'i.told_' ~ measure ~ '_' ~ ('calendar' if clock == 'calendar' else 'business') %}
        when i.waits_origin = 'vendor' and ({{ told }} is not null or not i.has_statuses) then {{ told }}
        {%- endif %}
        when ({{ is_assignment_known }}){% if clock != 'calendar' %} and p.created_position{{ clocks[clock] }} is not null{% endif %}
            then coalesce(l.{{ measure }}_{{ clock }}, 0)
    end as {{ measure }}_{{ clock }}{{ ',' if not (loop.last and measure == 'unassigned') }}
    {%- endfor %}
    {%- endfor %}
from waited as i
left join milestones as l on i.source = l.source and i.ticket_id = l.ticket_id
left join positions as p on i.source = p.source and i.ticket_id = p.ticket_id
left join settled as s on i.source = s.source and i.ticket_id = s.ticket_id
