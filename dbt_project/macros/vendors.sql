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

{#- What vendors say alike once their records are staged: the models of these names. #}

{% macro staged_schedules(staged) %}
select
    s.source,
    s.record_id as schedule_id,
    coalesce(z.time_zone, s.time_zone) as time_zone,
    s.intervals,
    s.holidays,
    s.deleted as is_deleted,
    s.created_at,
    s.batch_id,
    s.changed_at
from {{ staged }} as s
left join {{ ref('zone_names') }} as z on s.time_zone = z.name
{% endmacro %}

{% macro staged_organizations(staged, is_deleted) %}
select
    source,
    record_id as organization_id,
    organization_name,
    segment,
    product,
    service_area,
    complexity,
    dimensions,
    {{ is_deleted }} as is_deleted,
    created_at,
    batch_id,
    changed_at
from {{ staged }}
{% endmacro %}

{% macro staged_groups(staged, is_deleted) %}
select g.source, g.record_id as group_id, g.group_name, g.{{ is_deleted }} as is_deleted
from {{ in_force(staged) }} as g
{% endmacro %}

{% macro staged_names(vendor, stream) %}
select s.source, s.record_id as customer_id, w.p.name as customer_name, w.p.email as email
from {{ in_force(ref('stg_' ~ vendor ~ '__' ~ stream)) }} as s
inner join ({{ landed_texts(vendor, stream, {'name': 'VARCHAR', 'email': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
{% endmacro %}
