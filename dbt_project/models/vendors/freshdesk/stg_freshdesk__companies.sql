{{ merge_versions(ref('new_freshdesk__companies'), keep='history') }}
