{{ config(meta={'next_at': 'restricted'}) }}
select s.source, s.response_id, w.p.values.comment as comment, cast(null as varchar) as email
from {{ in_force(ref('stg_files__survey_answers')) }} as s
inner join ({{ landed_texts('files', 'survey_answers', {'values': {'comment': 'VARCHAR'}}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
