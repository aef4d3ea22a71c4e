{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{%- set times = [] -%}
{%- for time in ['first_reply', 'resolved', 'closed'] -%}
{%- do times.append(("'tickets'", 'ticket_id', "'" ~ time ~ "_at'", ref('int_tickets'), 'is_' ~ time ~ '_misdated')) -%}
{%- endfor -%}
{%- for time, flag in {'due_at': 'is_due_misdated', 'ended_at': 'is_end_misdated'}.items() -%}
{%- do times.append(("'tickets'", 'ticket_id', "metric || '_" ~ time ~ "'", ref('int_declared_targets'), flag)) -%}
{%- endfor -%}
{%- do times.append(("'ticket_events'", 'event_id', "'event_at'", ref('int_ticket_events'), "not is_time_known and origin = 'events'")) -%}
{%- do times.append(("'sla_clocks'", 'record_id', "event_type || '_at'", ref('int_sla_events'), 'not is_time_known')) -%}
{% for stream, record_id, field, relation, condition in times %}
select distinct
    t.source,
    t.ticket_id,
    {{ stream }} as stream,
    t.{{ record_id }} as record_id,
    {{ field }} as field,
    {{ time_shape() }} as value_shape,
    'is before the ticket was created' as reason
from {{ relation }} as t
where {{ condition }} and {{ is_touched('t') }}
{{ 'union all' if not loop.last }}
{% endfor %}
union all
select
    t.source, t.ticket_id, 'tickets', t.ticket_id as record_id, 'handle_seconds', {{ value_shape('t.unusable_handle_seconds') }},
    'is no number of seconds'
from {{ ref('int_tickets') }} as t
where t.unusable_handle_seconds is not null and {{ is_touched('t') }}
