{{ config(meta={'next_at': 'restricted'}) }}
select s.source, s.record_id as response_id, w.p.comment as comment, cast(null as varchar) as email
from {{ ref('stg_zendesk__satisfaction_ratings') }} as s
inner join ({{ landed_texts('zendesk', 'satisfaction_ratings', {'comment': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
union all
select s.source, s.record_id, {{ joined_texts('w.p.answers', 'a', "a.type = 'open_ended'", 'a.value') }}, null
from {{ in_force(ref('stg_zendesk__survey_responses')) }} as s
inner join ({{ landed_texts('zendesk', 'survey_responses', {'answers': [{'type': 'VARCHAR', 'value': 'VARCHAR'}]}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
