{{ config(materialized='view', post_hook="{{ keep_published_view(1) }}") }}
{#- Replies after a ticket's first, as a part of the ticket: what kpi_response_times counts as next replies. #}
with tickets as (select * from {{ ref('tickets') }}),

replies as (select * from {{ ref('ticket_replies') }})

select
    t.source,
    t.ticket_id,
    r.reply_no,
    t.created_at,
    t.segment,
    t.product,
    t.service_area,
    t.complexity,
    t.channel,
    t.organization_id,
    t.priority,
    t.group_id,
    t.assignee_id,
    r.seconds,
    r.business_seconds
from tickets as t
inner join replies as r on t.source = r.source and t.ticket_id = r.ticket_id
where r.reply_no > 1 and r.seconds is not null
