{#- Tickets of which a record landed since the current publication though it is older than that publication's as-of time. #}
{%- for stream, ticket_id in ticket_streams() %}
select r.source, r.{{ ticket_id }} as ticket_id
from {{ ref('stg_' ~ stream) }} as r
inner join (select distinct version, as_of from {{ source('control', 'published') }}) as p
    {#- Both are named by the time of their writing; an earlier batch may have been held. #}
    on r.changed_at <= p.as_of
    and (r.batch_id > p.version or r.batch_id in (select batch_id from {{ source('control', 'unpublished_batches') }}))
{{ 'union' if not loop.last }}
{%- endfor %}
