{{ config(meta={'next_at': 'restricted'}) }}
select
    s.source,
    s.response_id,
    {{ joined_texts('w.p.answers', 'a', "a.type = 'text'", 'a.text') }} as comment,
    {{ joined_texts('w.p.answers', 'a', "a.type = 'email'", 'a.email') }} as email
from {{ ref('stg_typeform__responses') }} as s
inner join ({{ landed_texts('typeform', 'responses', {'answers': [{'type': 'VARCHAR', 'text': 'VARCHAR', 'email': 'VARCHAR'}]}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
