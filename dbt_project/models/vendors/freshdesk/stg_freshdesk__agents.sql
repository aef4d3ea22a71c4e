{{ merge_versions(ref('new_freshdesk__agents'), keep='history') }}
