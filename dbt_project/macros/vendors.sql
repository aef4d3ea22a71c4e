{% macro vendors() %}
{{ return({
    'zendesk': [
        'ticket_records', 'ticket_fields', 'users', 'former_agents', 'organizations', 'groups', 'schedules', 'tickets', 'ticket_events', 'ticket_tags',
        'ticket_links',
        'sla_metrics', 'sla_events', 'answers', 'landed_answers', 'survey_sends', 'newest_ratings', 'vendor_numbers', 'told_replies', 'written_answers', 'named_customers',
        'staged_streams', 'stream_checks'
    ],
    'freshdesk': [
        'ticket_records', 'ticket_fields', 'users', 'former_agents', 'organizations', 'groups', 'schedules', 'tickets', 'ticket_events', 'ticket_tags',
        'ticket_links', 'sla_metrics', 'declared_targets', 'answers', 'landed_answers', 'vendor_numbers', 'written_answers', 'named_customers',
        'staged_streams', 'stream_checks'
    ],
    'typeform': ['answers', 'landed_answers', 'written_answers', 'staged_streams', 'stream_checks'],
    'files': [
        'ticket_records', 'tickets', 'ticket_events', 'sla_metrics', 'declared_targets', 'answers', 'landed_answers', 'survey_sends', 'written_answers',
        'staged_streams'
    ]
}) }}
{% endmacro %}

{% macro united(entity, columns) %}
{%- set parts = [] -%}
{%- for vendor, entities in vendors().items() if entity in entities -%}
{%- do parts.append('select ' ~ columns | join(', ') ~ ' from ' ~ ref(vendor ~ '__' ~ entity)) -%}
{%- endfor -%}
{{ parts | join('\nunion all\n') }}
{%- endmacro %}

{% macro staged_streams(vendor, streams, without_versions=[]) %}
{% for stream in streams + without_versions %}
select
    '{{ vendor }}__{{ stream }}' as stream_key,
    s.source,
    count(*) as staged_rows,
    count({{ '*' if stream in without_versions else 'distinct s.record_id' }}) as records,
    sum(s.redacted_fields) as redacted_fields,
    max(s.changed_at) as newest_change_at
from {{ ref('stg_' ~ vendor ~ '__' ~ stream) }} as s
group by s.source
{{ 'union all' if not loop.last }}
{% endfor %}
{% endmacro %}
