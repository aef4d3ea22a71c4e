{{ united('landed_answers', ['source', 'survey', 'answers']) }}
