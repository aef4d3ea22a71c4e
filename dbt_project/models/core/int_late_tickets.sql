with records as ({{ united('ticket_records', ['source', 'ticket_id', 'batch_id', 'changed_at']) }}),

publications as (select distinct version, as_of from {{ source('control', 'published') }})

select distinct r.source, r.ticket_id
from records as r
inner join publications as p
    {#- Both are named by the time of their writing; an earlier batch may have been held. #}
    on r.changed_at <= p.as_of
    and (r.batch_id > p.version or r.batch_id in (select batch_id from {{ source('control', 'unpublished_batches') }}))
