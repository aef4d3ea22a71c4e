{{ merge_versions(ref('new_zendesk__satisfaction_ratings'), keep='newest') }}
