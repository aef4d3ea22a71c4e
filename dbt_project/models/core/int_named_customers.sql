{{ config(materialized='view') }}
{{ united('named_customers', ['source', 'customer_id', 'customer_name', 'email']) }}
