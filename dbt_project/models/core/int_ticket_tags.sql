{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{{ united('ticket_tags', ['source', 'ticket_id', 'tag', 'tagged_at', 'actor_id', 'undated_until']) }}
