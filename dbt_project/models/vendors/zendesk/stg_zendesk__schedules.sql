{{ merge_versions(ref('new_zendesk__schedules'), keep='history') }}
