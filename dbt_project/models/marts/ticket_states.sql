{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
select
    s.source,
    s.ticket_id,
    cast(s.state_no as integer) as state_no,
    s.started_at,
    s.is_time_known as is_start_known,
    s.ended_at,
    cast(case when s.is_length_known then {{ seconds(micros_between('s.started_at', 's.ended_at')) }} end as double) as seconds,
    cast(case when s.is_length_known then {{ seconds('s.position_to - s.position_from') }} end as double) as business_seconds,
    s.status,
    s.has_status_history,
    s.priority,
    s.group_id,
    s.assignee_id,
    s.has_assignee_history,
    s.is_before_assignment,
    s.is_solve,
    s.is_reopening,
    s.is_group_hop,
    s.is_assignee_hop,
    s.is_priority_raise,
    s.taken_up_at,
    cast({{ seconds(micros_between('s.started_at', 's.taken_up_at')) }} as double) as take_up_seconds,
    cast({{ seconds('s.taken_up_position - s.position_from') }} as double) as take_up_business_seconds
from {{ ref('int_ticket_states') }} as s
inner join {{ ref('int_tickets') }} as t on s.source = t.source and s.ticket_id = t.ticket_id
where t.exclusion_reason is null and {{ is_touched('s') }}
