{{ united('staged_streams', ['stream_key', 'source', 'staged_rows', 'records', 'redacted_fields', 'newest_change_at']) }}
