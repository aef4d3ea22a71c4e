{{ config(meta={'next_at': 'restricted'}) }}
{{ staged_names('zendesk', 'users') }}
