{{ config(meta={'next_at': 'restricted'}) }}
select s.source, s.record_id as response_id, w.p.feedback as comment, cast(null as varchar) as email
from {{ ref('stg_freshdesk__satisfaction_ratings') }} as s
inner join ({{ landed_texts('freshdesk', 'satisfaction_ratings', {'feedback': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
