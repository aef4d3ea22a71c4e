{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- The instants and durations of each ticket, in microseconds by three clocks. A source's declared instants win over events. #}
{%- set clocks = ['calendar_micros', 'business_micros', 'business_micros_last_schedule'] -%}
with tickets as (
    select * from {{ ref('int_tickets') }} as t where {{ is_touched('t') }}
),

status_spans as (
    select s.* from {{ ref('int_ticket_spans') }} as s where s.kind = 'status' and {{ is_touched('s') }}
),

{#- A close after a solve is no resolution; a close without one is. #}
statuses as (
    select
        source,
        ticket_id,
        min(case when value in ('solved', 'closed') and (previous_value is null or previous_value not in ('solved', 'closed')) then started_at end)
            as first_solved_at,
        max(case when value in ('solved', 'closed') and (previous_value is null or previous_value not in ('solved', 'closed')) then started_at end)
            as last_solved_at,
        count(case when value not in ('solved', 'closed') and previous_value in ('solved', 'closed') then 1 end) as reopens,
        max(case when ended_at is null then value end) as status,
        {% for measure, values in [
            ('requester_wait', "'new', 'open', 'hold'"), ('agent_wait', "'pending'"), ('on_hold', "'hold'"), ('agent_work', "'new', 'open'")
        ] %}
        {% for clock in clocks %}
        sum(case when value in ({{ values }}) then {{ clock }} else 0 end) as {{ measure }}_{{ clock }}{{ ',' if not (loop.last and measure == 'agent_work') }}
        {% endfor %}
        {% endfor %}
    from status_spans
    group by source, ticket_id
),

holders as (
    select
        source,
        ticket_id,
        max(case when kind = 'priority' then value end) as priority,
        max(case when kind = 'group' then value end) as group_id,
        max(case when kind = 'assignee' then value end) as assignee_id,
        bool_or(kind = 'group') as has_group,
        bool_or(kind = 'assignee') as has_assignee
    from {{ ref('int_ticket_spans') }} as s
    where ended_at is null and kind in ('priority', 'group', 'assignee') and {{ is_touched('s') }}
    group by source, ticket_id
),

replies as (
    select
        source,
        ticket_id,
        count(replied_at) as public_agent_replies,
        min(case when reply_no = 1 then replied_at end) as first_reply_at
    from {{ ref('int_ticket_replies') }} as r
    where {{ is_touched('r') }}
    group by source, ticket_id
),

instants as (
    select
        t.source,
        t.ticket_id,
        t.created_at,
        coalesce(s.status, t.status) as status,
        coalesce(case when h.priority in ('low', 'normal', 'high', 'urgent') then h.priority end, t.priority) as priority,
        case when h.has_group then h.group_id else t.group_id end as group_id,
        case when h.has_assignee then h.assignee_id else t.assignee_id end as assignee_id,
        case when t.declares_first_reply then t.declared_first_reply_at else r.first_reply_at end as first_reply_at,
        case when t.declares_resolved then t.declared_resolved_at else s.first_solved_at end as first_solved_at,
        case when t.declares_resolved then t.declared_resolved_at else s.last_solved_at end as last_solved_at,
        coalesce(t.declared_reopens, s.reopens) as reopens,
        coalesce(t.declared_replies, r.public_agent_replies, case when s.ticket_id is not null then 0 end) as public_agent_replies,
        {% for measure in ['requester_wait', 'agent_wait', 'on_hold', 'agent_work'] %}
        {% for clock in clocks %}
        s.{{ measure }}_{{ clock }},
        {% endfor %}
        {% endfor %}
        {#- Where a source declares when it resolved, that decides. #}
        case
            when t.declares_resolved then t.declared_resolved_at is not null
            else coalesce(s.status, t.status) in ('solved', 'closed')
        end as is_resolved
    from tickets as t
    left join statuses as s on t.source = s.source and t.ticket_id = s.ticket_id
    left join holders as h on t.source = h.source and t.ticket_id = h.ticket_id
    left join replies as r on t.source = r.source and t.ticket_id = r.ticket_id
)

{%- set ends = {'first_reply': 'i.first_reply_at', 'first_resolution': 'i.first_solved_at', 'full_resolution': 'i.last_solved_at'} %}
select
    i.*,
    {% for measure, ended_at in ends.items() %}
    {{ micros_between('i.created_at', ended_at) }} as {{ measure }}_calendar_micros,
    {{ business_micros(measure, 'i.created_at', ended_at) }} as {{ measure }}_business_micros,
    {{ business_micros_last_schedule(measure, 'i.created_at', ended_at) }} as {{ measure }}_business_micros_last_schedule{{ ',' if not loop.last }}
    {% endfor %}
from instants as i
{% for measure, ended_at in ends.items() %}
{{ join_business_span(measure, 'i', 'i.created_at', ended_at) }}
{% endfor %}
