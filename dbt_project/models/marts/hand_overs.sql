{{ config(materialized='view', post_hook="{{ keep_published_view(2) }}") }}
{#- How long a solved ticket waited after a hand-over until its new holder took it up, on both clocks. #}
with tickets as (select * from {{ ref('tickets') }}),

states as (select * from {{ ref('ticket_states') }}),

stays as (select * from {{ ref('stage_times') }})

select
    t.source,
    t.ticket_id,
    t.created_at,
    t.segment,
    t.product,
    t.service_area,
    t.complexity,
    t.channel,
    t.organization_id,
    t.priority,
    s.group_id,
    s.state_no,
    s.take_up_seconds as calendar,
    s.take_up_business_seconds as business
from states as s
inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
inner join stays as c
    on s.source = c.source and s.ticket_id = c.ticket_id and s.group_id is not distinct from c.group_id and s.taken_up_at <= c.until
where t.full_resolution_seconds is not null and t.is_timed and {{ is_stay_counted() }}
