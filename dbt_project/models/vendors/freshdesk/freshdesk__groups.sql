{{ staged_groups(ref('stg_freshdesk__groups'), 'deleted') }}
