{#- SLA clocks as the vendors tell them. #}

{#- The vendors' own SLA clock events of touched tickets, by metric in the core's words. types: activate, pause, fulfill, breach, and
    apply, which puts a target on a clock (null: takes it away). columns: further ones of the staged events. What is dated before the ticket's
    creation stands at it and says that its time is not known. #}
{% macro vendor_sla_events(types, columns=[]) %}
{% set kinds = types + (['apply_sla', 'apply_group_sla'] if 'apply' in types else []) %}
select
    e.source,
    e.ticket_id,
    {{ zendesk_sla_metric('e') }} as metric,
    cast(e.instance_id as bigint) as instance,
    case when e.event_type in ('apply_sla', 'apply_group_sla') then 'apply' else e.event_type end as event_type,
    greatest(e.event_at, t.created_at) as event_at,
    not {{ is_misdated('e.event_at', 't.created_at') }} as is_time_known,
    coalesce(try_cast(e.record_id as bigint), 0) as event_order
    {%- for column in columns %},
    e.{{ column }}
    {%- endfor %}

from {{ ref('stg_zendesk__ticket_metric_events') }} as e
inner join {{ ref('int_tickets') }} as t on e.source = t.source and e.ticket_id = t.ticket_id
where e.event_at <= {{ as_of() }}
  and not e.is_withdrawn and not e.deleted and e.metric is not null
  and e.event_type in ('{{ kinds | join("', '") }}')
  and {{ is_touched('e') }}
{% endmacro %}

{#- The metrics for which a vendor itself ever set a target, by source. #}
{% macro vendor_sla_metrics() %}
select distinct e.source, {{ zendesk_sla_metric('e') }} as metric
from {{ ref('stg_zendesk__ticket_metric_events') }} as e
where e.event_type in ('apply_sla', 'apply_group_sla') and not e.is_withdrawn and not e.deleted and e.event_at <= {{ as_of() }}
{% endmacro %}

{#- Joins two relations at the grain of targets. #}
{% macro on_same_target(one, other) -%}
{{ one }}.source = {{ other }}.source and {{ one }}.ticket_id = {{ other }}.ticket_id and {{ one }}.metric = {{ other }}.metric
    and {{ one }}.instance = {{ other }}.instance and {{ one }}.applied_at = {{ other }}.applied_at
{%- endmacro %}
