{{ merge_versions(ref('new_freshdesk__sla_policies'), keep='history') }}
