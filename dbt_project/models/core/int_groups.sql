{{ united('groups', ['source', 'group_id', 'group_name', 'is_deleted']) }}
