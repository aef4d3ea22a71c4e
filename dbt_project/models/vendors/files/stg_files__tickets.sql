{{ merge_versions(ref('new_files__tickets'), keep='current') }}
