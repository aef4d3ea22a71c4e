{{ merge_versions(ref('new_freshdesk__ticket_fields'), keep='history') }}
