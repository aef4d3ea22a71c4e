{%- set shape = {
    'role': 'VARCHAR', 'active': 'BOOLEAN', 'suspended': 'BOOLEAN', 'organization_id': 'VARCHAR', 'created_at': 'VARCHAR'
} -%}
with landed as ({{ landed('zendesk', 'users', shape) }})

select
    {{ envelope() }},
    p.role as role,
    coalesce(p.active, true) and not deleted as is_active,
    p.organization_id as organization_id,
    {{ to_utc('p.created_at') }} as created_at,
    {{ reject_reason([
        bad_time('p.created_at', 'created_at'),
        unknown_value('p.role', 'role', ['end-user', 'agent', 'admin'])
    ]) }}
from landed
