{#- Zendesk's words. #}
{% macro zendesk_statuses() %}{{ return(['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']) }}{% endmacro %}
{% macro zendesk_priorities() %}{{ return(['low', 'normal', 'high', 'urgent']) }}{% endmacro %}
{% macro zendesk_sla_metrics() %}
{{ return([
    'reply_time', 'agent_work_time', 'requester_wait_time', 'periodic_update_time', 'pausable_update_time', 'resolution_time',
    'group_ownership_time'
]) }}
{% endmacro %}
{% macro zendesk_sla_events() %}
{{ return(['activate', 'pause', 'fulfill', 'apply_sla', 'apply_group_sla', 'breach', 'update_status', 'measure']) }}
{% endmacro %}

{#- Zendesk's SLA metric in the core's words; the first reply clock is the first instance of the reply clock. #}
{% macro zendesk_sla_metric(alias) -%}
case
        when {{ alias }}.metric = 'reply_time' and {{ alias }}.instance_id = 1 then 'first_reply'
        when {{ alias }}.metric = 'reply_time' then 'next_reply'
        when {{ alias }}.metric = 'agent_work_time' then 'agent_work'
        when {{ alias }}.metric = 'requester_wait_time' then 'requester_wait'
        when {{ alias }}.metric = 'periodic_update_time' then 'periodic_update'
        when {{ alias }}.metric = 'pausable_update_time' then 'pausable_update'
        when {{ alias }}.metric = 'resolution_time' then 'total_resolution'
        when {{ alias }}.metric = 'group_ownership_time' then 'group_ownership'
    end
{%- endmacro %}

{#- Tags of the list `tags` that tickets were given: the event export names the added ones, an audit those before and after, as JSON text. #}
{% macro zendesk_tags_added(tickets, tags) %}
select a.source, a.ticket_id, r.tag, a.event_at as tagged_at, a.actor_id
from (
    select source, ticket_id, event_at, actor_id, unnest(child.added_tags) as tag
    from (
        select e.source, e.ticket_id, e.event_at, e.actor_id, unnest(e.children) as child
        from {{ ref('stg_zendesk__ticket_events') }} as e
        inner join {{ tickets }} as t on e.source = t.source and e.ticket_id = t.ticket_id
        where e.event_at <= {{ as_of() }} and exists (select 1 from {{ tags }})
    ) as changes
) as a
inner join {{ tags }} as r on r.source in (a.source, '*') and a.tag = r.tag
union all
select a.source, a.ticket_id, r.tag, a.event_at, a.actor_id
from (
    select e.source, e.record_id, e.ticket_id, e.event_at, e.actor_id, unnest(e.children) as child
    from {{ ref('stg_zendesk__ticket_audits') }} as e
    inner join {{ tickets }} as t on e.source = t.source and e.ticket_id = t.ticket_id
    where e.event_at <= {{ as_of() }} and exists (select 1 from {{ tags }})
) as a
inner join {{ tags }} as r
    on r.source in (a.source, '*') and contains(a.child.value, '"' || r.tag || '"')
    and not coalesce(contains(a.child.previous_value, '"' || r.tag || '"'), false)
where a.child.field_name = 'tags'
  and not exists (
      select 1 from {{ ref('stg_zendesk__ticket_events') }} as k where k.source = a.source and k.record_id = a.record_id
  )
{% endmacro %}
