{{ config(meta={'next_at': 'horizon'}, materialized='table') }}
{#- Contacts who were agents before the first fetch: they held a ticket, gave it their time, were rated, or wrote a note. #}
with shown as (
    select source, responder_id as user_id from {{ ref('freshdesk__ticket_versions') }}
    union
    select source, agent_id from {{ ref('stg_freshdesk__time_entries') }}
    union
    select source, agent_id from {{ ref('stg_freshdesk__satisfaction_ratings') }}
    union
    select source, actor_id
    from {{ ref('stg_freshdesk__conversations') }}
    where is_private and not coalesce(is_incoming, true) and event_at <= {{ as_of() }}
)

select c.source, c.record_id as user_id, bool_and(c.is_active) as is_active
from {{ ref('freshdesk__contact_versions') }} as c
where (c.source, c.record_id) in (select s.source, s.user_id from shown as s)
  and (c.source, c.record_id) not in (select a.source, a.record_id from {{ ref('stg_freshdesk__agents') }} as a)
group by c.source, c.record_id
