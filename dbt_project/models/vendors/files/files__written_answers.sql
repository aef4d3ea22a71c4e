select s.source, s.response_id, w.p.values.comment as comment, cast(null as varchar) as email
from {{ in_force(ref('stg_files__survey_answers')) }} as s
inner join ({{ landed_again('files', 'survey_answers', {'values': {'comment': 'VARCHAR'}}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
