{{ merge_versions(ref('new_freshdesk__contacts'), keep='history') }}
