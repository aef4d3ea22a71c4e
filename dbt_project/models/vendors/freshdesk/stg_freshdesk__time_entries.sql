{{ merge_versions(ref('new_freshdesk__time_entries'), keep='newest') }}
