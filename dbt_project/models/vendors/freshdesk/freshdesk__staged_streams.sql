{{ staged_streams(
    'freshdesk',
    [
        'tickets', 'deleted_tickets', 'spam_tickets', 'surveys', 'sla_policies', 'business_hours', 'groups', 'agents', 'contacts', 'deleted_contacts',
        'companies', 'ticket_fields', 'products'
    ],
    without_versions=['conversations', 'satisfaction_ratings', 'time_entries']
) }}
