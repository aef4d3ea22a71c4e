{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{#- One row per counted ticket. #}
{%- set solved = 'm.is_resolved' -%}
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
    m.first_solved_at,
    m.last_solved_at,
    {% for measure in ['first_reply', 'first_resolution', 'full_resolution', 'requester_wait', 'agent_wait', 'on_hold', 'agent_work'] %}
    {% for clock, suffix in [
        ('calendar_micros', 'seconds'), ('business_micros', 'business_seconds'),
        ('business_micros_last_schedule', 'business_seconds_last_schedule')
    ] %}
    {#- What ends with the solve is unknown until then. #}
    {% if measure in ['first_reply', 'first_resolution'] %}
    cast({{ seconds('m.' ~ measure ~ '_' ~ clock) }} as double) as {{ measure }}_{{ suffix }},
    {% else %}
    cast(case when {{ solved }} then {{ seconds('m.' ~ measure ~ '_' ~ clock) }} end as double) as {{ measure }}_{{ suffix }},
    {% endif %}
    {% endfor %}
    {% endfor %}
    m.reopens,
    m.public_agent_replies,
    {{ solved }} and m.public_agent_replies = 1 as is_one_touch,
    {{ solved }} and m.public_agent_replies < 2 as is_one_touch_explore
from counted as t
inner join {{ ref('int_ticket_measures') }} as m on t.source = m.source and t.ticket_id = m.ticket_id
