{{ merge_versions(ref('new_typeform__responses'), keep='newest') }}
