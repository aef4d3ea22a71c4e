{{ config(meta={'next_at': 'restricted'}) }}
{{ staged_names('freshdesk', 'contacts') }}
