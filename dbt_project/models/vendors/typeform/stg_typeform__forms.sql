{{ merge_versions(ref('new_typeform__forms'), keep='history') }}
