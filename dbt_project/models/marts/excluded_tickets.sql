{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- Tickets that no number counts, with the reason. #}
select
    t.source,
    t.ticket_id,
    t.created_at,
    t.exclusion_reason as reason
from {{ ref('int_tickets') }} as t
where t.exclusion_reason is not null and {{ is_touched('t') }}
