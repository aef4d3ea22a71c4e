{{ merge_versions(ref('new_zendesk__brands'), keep='history') }}
