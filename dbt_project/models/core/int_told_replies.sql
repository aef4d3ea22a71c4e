{{ config(materialized='table') }}
{{ united('told_replies', ['source', 'ticket_id', 'instance', 'waits_from', 'replied_at', 'business_micros', 'ends_at_solve']) }}
