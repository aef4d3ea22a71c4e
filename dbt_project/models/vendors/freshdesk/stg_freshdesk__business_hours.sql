{{ merge_versions(ref('new_freshdesk__business_hours'), keep='history') }}
