{{ staged_schedules(ref('stg_freshdesk__business_hours')) }}
