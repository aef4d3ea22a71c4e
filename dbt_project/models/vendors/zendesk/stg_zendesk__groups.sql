{{ merge_versions(ref('new_zendesk__groups'), keep='history') }}
