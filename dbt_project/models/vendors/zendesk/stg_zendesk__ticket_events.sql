{{ merge_versions(ref('new_zendesk__ticket_events'), keep='newest') }}
