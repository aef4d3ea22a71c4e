{{ merge_versions(ref('new_freshdesk__groups'), keep='history') }}
