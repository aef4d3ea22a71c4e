{#- How tickets belong together, as their vendor says on either of them. #}
select distinct
    l.source,
    l.linking_ticket_id as ticket_id,
    l.relation,
    l.linked_ticket_id as other_ticket_id
from {{ ref('int_ticket_links') }} as l
inner join {{ ref('int_tickets') }} as t on l.source = t.source and l.linking_ticket_id = t.ticket_id
