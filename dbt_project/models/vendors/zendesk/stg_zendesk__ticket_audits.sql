{{ merge_versions(ref('new_zendesk__ticket_audits'), keep='newest') }}
