{{ merge_versions(ref('new_freshdesk__conversations'), keep='newest') }}
