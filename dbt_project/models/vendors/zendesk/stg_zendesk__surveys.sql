{{ merge_versions(ref('new_zendesk__surveys'), keep='history') }}
