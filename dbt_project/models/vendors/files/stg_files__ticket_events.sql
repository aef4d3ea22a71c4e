{{ merge_versions(ref('new_files__ticket_events'), keep='newest') }}
