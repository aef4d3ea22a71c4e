{{ merge_versions(ref('new_zendesk__users'), keep='history') }}
