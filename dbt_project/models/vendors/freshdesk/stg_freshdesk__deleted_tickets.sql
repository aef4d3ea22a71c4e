{{ merge_versions(ref('new_freshdesk__deleted_tickets'), keep='history') }}
