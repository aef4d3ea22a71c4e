{{ merge_versions(ref('new_freshdesk__spam_tickets'), keep='history') }}
