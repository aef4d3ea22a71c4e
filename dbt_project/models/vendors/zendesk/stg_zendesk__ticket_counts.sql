{{ merge_versions(ref('new_zendesk__ticket_counts'), keep='history') }}
