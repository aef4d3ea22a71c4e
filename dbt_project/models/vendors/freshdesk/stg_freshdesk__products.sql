{{ merge_versions(ref('new_freshdesk__products'), keep='history') }}
