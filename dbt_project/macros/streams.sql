{#- Every staged stream, as <vendor>__<stream>. #}
{% macro streams() %}
{{ return([
    'zendesk__tickets', 'zendesk__ticket_events', 'zendesk__ticket_audits', 'zendesk__ticket_metric_events', 'zendesk__users',
    'zendesk__organizations', 'zendesk__groups', 'zendesk__brands', 'zendesk__ticket_fields', 'zendesk__satisfaction_ratings',
    'zendesk__survey_responses', 'zendesk__surveys', 'zendesk__sla_policies', 'zendesk__schedules', 'typeform__forms',
    'typeform__responses', 'files__tickets', 'files__ticket_events', 'files__survey_answers', 'files__survey_invitations'
]) }}
{% endmacro %}

{#- The streams of which staging keeps one row per record, the newest. #}
{% macro streams_without_versions() %}
{{ return([
    'zendesk__ticket_events', 'zendesk__ticket_audits', 'zendesk__ticket_metric_events', 'zendesk__satisfaction_ratings',
    'typeform__responses', 'files__ticket_events'
]) }}
{% endmacro %}

{#- The streams whose records belong to one ticket each, with the column of its id. #}
{% macro ticket_streams() %}
{{ return([
    ('zendesk__tickets', 'record_id'), ('zendesk__ticket_events', 'ticket_id'), ('zendesk__ticket_audits', 'ticket_id'),
    ('zendesk__ticket_metric_events', 'ticket_id'), ('files__tickets', 'record_id'), ('files__ticket_events', 'ticket_id')
]) }}
{% endmacro %}
