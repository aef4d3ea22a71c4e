{{ merge_versions(ref('new_freshdesk__deleted_contacts'), keep='history') }}
