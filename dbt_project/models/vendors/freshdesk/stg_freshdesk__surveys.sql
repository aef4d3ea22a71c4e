{{ merge_versions(ref('new_freshdesk__surveys'), keep='history') }}
