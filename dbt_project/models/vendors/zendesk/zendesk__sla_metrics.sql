{{ config(meta={'next_at': 'horizon'}, materialized='table') }}
select distinct e.source, {{ zendesk_sla_metric('e') }} as metric
from {{ ref('stg_zendesk__ticket_metric_events') }} as e
where e.event_type in ('apply_sla', 'apply_group_sla') and not e.is_withdrawn and not e.deleted and e.event_at <= {{ as_of() }}
