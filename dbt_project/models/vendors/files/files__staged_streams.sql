{{ staged_streams('files', ['tickets', 'survey_answers', 'survey_invitations'], without_versions=['ticket_events']) }}
