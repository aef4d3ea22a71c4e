with wanted as (select source, tag from {{ ref('follow_up_tags') }}),

events as (
    select e.source, e.record_id, e.ticket_id, e.event_at, e.actor_id, unnest(e.children) as child
    from {{ ref('stg_zendesk__ticket_events') }} as e
    where e.event_at <= {{ as_of() }} and {{ is_touched('e') }} and exists (select 1 from wanted)
),

added as (select source, ticket_id, event_at, actor_id, unnest(child.added_tags) as tag from events),

{#- Audits say which tags a ticket had before and after, as JSON text. #}
audits as (
    select a.source, a.record_id, a.ticket_id, a.event_at, a.actor_id, unnest(a.children) as child
    from {{ ref('stg_zendesk__ticket_audits') }} as a
    where a.event_at <= {{ as_of() }} and {{ is_touched('a') }} and exists (select 1 from wanted)
)

select a.source, a.ticket_id, w.tag, a.event_at as tagged_at, a.actor_id, cast(null as timestamp) as undated_until
from added as a
inner join wanted as w on w.source in (a.source, '*') and a.tag = w.tag
union all
select a.source, a.ticket_id, w.tag, a.event_at, a.actor_id, null
from audits as a
inner join wanted as w
    on w.source in (a.source, '*') and contains(a.child.value, '"' || w.tag || '"')
    and not coalesce(contains(a.child.previous_value, '"' || w.tag || '"'), false)
where a.child.field_name = 'tags'
  and not exists (
      select 1 from {{ ref('stg_zendesk__ticket_events') }} as k where k.source = a.source and k.record_id = a.record_id
  )
