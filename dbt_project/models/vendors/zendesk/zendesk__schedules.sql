{{ staged_schedules(ref('stg_zendesk__schedules')) }}
