{{ config(materialized='view', post_hook="{{ keep_published_view(1) }}") }}
{#- How long a solved ticket was in each stage while a group held it, on both clocks. #}
with tickets as (select * from {{ ref('tickets') }}),

states as (select * from {{ ref('ticket_states') }})

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
    {% for stage in stages() %}
    {% for clock, column in duration_clocks().items() %}
    {{ time_in_stage(stage, 's.' ~ column) }} as {{ stage }}_{{ clock }},
    {% endfor %}
    {% endfor %}
    max(s.ended_at) as until
from states as s
inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
where t.full_resolution_seconds is not null and t.is_timed and {{ is_stay_counted() }}
group by t.source, t.ticket_id, t.created_at, t.segment, t.product, t.service_area, t.complexity, t.channel, t.organization_id, t.priority,
    s.group_id
