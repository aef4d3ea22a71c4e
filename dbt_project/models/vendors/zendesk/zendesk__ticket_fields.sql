select f.source, f.record_id as field_id, m.attribute, f.batch_id, f.changed_at
from {{ ref('stg_zendesk__ticket_fields') }} as f
left join {{ ref('ticket_field_map') }} as m
    on m.source in (f.source, '*') and (m.field = f.record_id or lower(m.field) = lower(f.field_title))
