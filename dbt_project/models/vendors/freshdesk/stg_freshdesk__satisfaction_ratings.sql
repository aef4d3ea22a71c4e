{{ merge_versions(ref('new_freshdesk__satisfaction_ratings'), keep='newest') }}
