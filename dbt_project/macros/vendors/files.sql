{% macro file_ticket_shape() %}
{% set texts = ['ticket_id', 'status', 'priority', 'source_priority', 'complexity', 'channel', 'type', 'customer_id', 'organization_id',
    'group_id', 'assignee_id', 'segment', 'product', 'service_area', 'exclusion', 'created_at', 'first_reply_at', 'resolved_at',
    'closed_at', 'reopens', 'public_agent_replies', 'handle_seconds', 'kind', 'actor_id', 'actor_role', 'event_at'] %}
{% set values = {'sequence': 'BIGINT', 'is_public': 'BOOLEAN',
    'sla': [{'metric': 'VARCHAR', 'due_at': 'VARCHAR', 'ended_at': 'VARCHAR', 'verdict': 'VARCHAR'}]} %}
{% for t in texts %}{% do values.update({t: 'VARCHAR'}) %}{% endfor %}
{% for name in own_dimensions() %}{% do values.update({'dimension_' ~ name: 'VARCHAR'}) %}{% endfor %}
{{ return({'values': values, 'errors': file_errors(), 'reject': 'VARCHAR', 'mapping': {'ticket': 'BOOLEAN', 'declares': ['VARCHAR']}}) }}
{% endmacro %}

{% macro file_errors() %}{{ return([{'column': 'VARCHAR', 'value': 'VARCHAR', 'reason': 'VARCHAR'}]) }}{% endmacro %}
{% macro file_faults(values, more=[]) -%}
{%- set told = faults_of_elements('p.errors', 'e', 'e.column', value_shape('e.value'), 'e.reason') -%}
{{ faults_of(values, [told] + more) }}
{%- endmacro %}

{% macro file_ticket_columns(times) %}
{%- set values, clocks = [], [] -%}
{%- for time in times -%}{%- do values.append(time_value(time, 'p.values.' ~ time)) -%}{%- endfor -%}
{%- for count in ['reopens', 'public_agent_replies', 'handle_seconds'] -%}{%- do values.append(number_value(count, 'p.values.' ~ count)) -%}{%- endfor -%}
{%- for time, days in {'due_at': due_days(), 'ended_at': 1}.items() -%}
{%- do clocks.append(faults_of_elements(
    'p.values.sla', 's', "concat(s.metric, '_" ~ time ~ "')", value_shape('s.' ~ time), time_fault('s.' ~ time, days)
)) -%}
{%- endfor -%}
{%- set faults = file_faults(values, clocks) -%}
    p.values.ticket_id as ticket_id,
    {{ usable(values) }}
    {% for column in ['status', 'priority', 'source_priority', 'complexity', 'channel', 'customer_id', 'organization_id', 'group_id',
        'assignee_id', 'segment', 'product', 'service_area', 'exclusion'] %}
    p.values.{{ column }} as {{ column }},
    {% endfor %}
    {{ stated_dimensions('p.values.dimension_') }} as dimensions,
    p.values.sla as sla,
    coalesce(p.mapping.declares, []) as declares,
    coalesce({{ each_element(faults, 'v', 'v.field') }}, []) as unusable,
    {{ faults }} as rejected_values,
{% endmacro %}
