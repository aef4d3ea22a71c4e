{{ config(materialized='view') }}
{{ united('written_answers', ['source', 'response_id', 'comment', 'email']) }}
