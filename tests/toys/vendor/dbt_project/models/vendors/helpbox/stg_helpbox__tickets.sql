{{ merge_versions(ref('new_helpbox__tickets'), keep='current') }}
