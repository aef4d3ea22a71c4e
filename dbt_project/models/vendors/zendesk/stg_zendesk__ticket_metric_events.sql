{{ merge_versions(ref('new_zendesk__ticket_metric_events'), keep='newest') }}
