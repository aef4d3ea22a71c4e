{{ merge_versions(ref('new_zendesk__organizations'), keep='history') }}
