{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
select
    l.source,
    l.ticket_id,
    l.linking_ticket_id,
    l.relation,
    l.linked_ticket_id
from ({{ united('ticket_links', ['source', 'ticket_id', 'linking_ticket_id', 'relation', 'linked_ticket_id']) }}) as l
inner join {{ ref('int_tickets') }} as t on l.source = t.source and l.ticket_id = t.ticket_id
