{{ config(
    materialized='incremental', incremental_strategy='replace_touched', pre_hook="{{ forget_before() }}",
    meta={
        'keeps_before': true, 'settled_at': "case when status in ('solved', 'closed') then last_solved_at end",
        'moving': [
            'status', 'last_solved_at', 'last_solved_date', 'last_solved_weekday', 'last_solved_hour', 'has_repeat_contact',
            'is_reopened_in_window', 'is_first_contact_resolved'
        ]
    }
) }}
{#- One row per counted ticket. #}
with counted as (
    select t.* from {{ ref('int_tickets') }} as t where t.exclusion_reason is null and {{ is_touched('t') }}
)

select
    t.source,
    t.ticket_id,
    t.created_at,
    m.status,
    m.priority,
    t.source_priority,
    t.complexity,
    t.channel,
    t.customer_id,
    t.organization_id,
    m.group_id,
    m.assignee_id,
    t.segment,
    t.product,
    t.service_area,
    m.first_reply_at,
    m.first_assigned_at,
    m.first_solved_at,
    m.last_solved_at,
    m.first_assigned_origin,
    m.first_solved_origin,
    m.last_solved_origin,
    {% for measure in [
        'first_reply', 'first_assignment', 'first_resolution', 'full_resolution', 'requester_wait', 'agent_wait', 'on_hold', 'agent_work',
        'in_new', 'in_open', 'unassigned', 'unsolved_age', 'first_reply_after_handover'
    ] %}
    {% for clock, suffix in [
        ('calendar', 'seconds'), ('business', 'business_seconds'), ('business_last_schedule', 'business_seconds_last_schedule')
    ] %}
    {#- What ends with the solve is unknown until then. #}
    {% if measure in ['first_reply', 'first_reply_after_handover', 'first_assignment', 'first_resolution', 'unsolved_age'] %}
    cast({{ seconds('m.' ~ measure ~ '_' ~ clock) }} as double) as {{ measure }}_{{ suffix }},
    {% else %}
    cast(case when m.is_resolved then {{ seconds('m.' ~ measure ~ '_' ~ clock) }} end as double) as {{ measure }}_{{ suffix }},
    {% endif %}
    {% endfor %}
    {% endfor %}
    m.reopens,
    m.group_hops,
    m.assignee_hops,
    m.priority_raises,
    m.group_hops + m.priority_raises as escalations,
    m.public_agent_replies,
    m.customer_turns,
    m.handle_seconds,
    m.is_resolved and m.public_agent_replies = 1 as is_one_touch,
    m.is_resolved and m.public_agent_replies < 2 as is_one_touch_explore,
    m.has_repeat_contact,
    m.is_reopened_in_window,
    not m.has_repeat_contact and not m.is_reopened_in_window as is_first_contact_resolved,
    m.has_status_history,
    m.first_reply_origin,
    m.waits_origin,
    t.is_timed,
    m.is_resolved as is_solved,
    t.support_type,
    t.handed_over_at,
    t.link,
    {{ local_parts('t.created_at', 'created') }},
    {{ local_parts('m.last_solved_at', 'last_solved') }}
from counted as t
inner join {{ ref('int_ticket_measures') }} as m on t.source = m.source and t.ticket_id = m.ticket_id
