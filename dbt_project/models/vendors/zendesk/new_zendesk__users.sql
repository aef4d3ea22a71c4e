{%- set shape = {
    'role': 'VARCHAR', 'active': 'BOOLEAN', 'suspended': 'BOOLEAN', 'organization_id': 'VARCHAR', 'created_at': 'VARCHAR'
} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
with landed as ({{ landed('zendesk', 'users', shape) }})

select
    {{ envelope() }},
    p.role as role,
    coalesce(p.active, true) and not deleted as is_active,
    p.organization_id as organization_id,
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason([unknown_value('p.role', 'role', ['end-user', 'agent', 'admin'])]) }}
from landed
