{{ merge_versions(ref('new_zendesk__ticket_fields'), keep='history') }}
