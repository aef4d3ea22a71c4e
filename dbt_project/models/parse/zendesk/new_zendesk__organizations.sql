{%- set shape = {
    'created_at': 'VARCHAR', 'deleted_at': 'VARCHAR',
    'organization_fields': {'segment': 'VARCHAR', 'product': 'VARCHAR', 'service_area': 'VARCHAR', 'complexity': 'VARCHAR'}
} -%}
with landed as ({{ landed('zendesk', 'organizations', shape) }})

select
    {{ envelope() }},
    {{ to_utc('p.created_at') }} as created_at,
    deleted or p.deleted_at is not null as is_deleted,
    p.organization_fields.segment as segment,
    p.organization_fields.product as product,
    p.organization_fields.service_area as service_area,
    p.organization_fields.complexity as complexity,
    {{ reject_reason([bad_time('p.created_at', 'created_at')]) }}
from landed
