{{ merge_versions(ref('new_zendesk__sla_policies'), keep='history') }}
