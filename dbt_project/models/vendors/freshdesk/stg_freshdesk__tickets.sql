{{ merge_versions(ref('new_freshdesk__tickets'), keep='history') }}
