{{ staged_streams(
    'zendesk',
    [
        'tickets', 'users', 'organizations', 'groups', 'brands', 'ticket_fields', 'survey_responses', 'surveys', 'sla_policies', 'schedules',
        'ticket_counts'
    ],
    without_versions=['ticket_events', 'ticket_audits', 'ticket_metric_events', 'satisfaction_ratings']
) }}
