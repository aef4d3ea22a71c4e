{{ staged_groups(ref('stg_zendesk__groups'), 'is_deleted') }}
