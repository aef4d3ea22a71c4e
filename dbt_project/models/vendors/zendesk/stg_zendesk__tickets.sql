{{ merge_versions(ref('new_zendesk__tickets'), keep='current') }}
