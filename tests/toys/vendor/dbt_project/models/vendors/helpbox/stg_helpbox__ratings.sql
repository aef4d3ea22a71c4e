{{ merge_versions(ref('new_helpbox__ratings'), keep='newest') }}
