{{ config(meta={'next_at': 'restricted'}) }}
select s.source, s.record_id as customer_id, w.p.name as customer_name, w.p.email as email
from {{ in_force(ref('stg_freshdesk__contacts')) }} as s
inner join ({{ landed_texts('freshdesk', 'contacts', {'name': 'VARCHAR', 'email': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id and s.changed_at is not distinct from w.changed_at
