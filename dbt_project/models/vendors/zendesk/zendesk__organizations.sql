{{ staged_organizations(ref('stg_zendesk__organizations'), 'is_deleted') }}
