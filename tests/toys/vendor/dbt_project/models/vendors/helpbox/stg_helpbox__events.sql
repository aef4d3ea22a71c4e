{{ merge_versions(ref('new_helpbox__events'), keep='newest') }}
