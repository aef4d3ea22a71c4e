{{ staged_organizations(ref('stg_freshdesk__companies'), 'deleted') }}
