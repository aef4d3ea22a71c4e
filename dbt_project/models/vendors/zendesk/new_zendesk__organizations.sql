{%- set fields = {'segment': 'VARCHAR', 'product': 'VARCHAR', 'service_area': 'VARCHAR', 'complexity': 'VARCHAR'} -%}
{%- for name in own_dimensions() %}{% do fields.update({name: 'VARCHAR'}) %}{% endfor -%}
{%- set shape = {'name': 'VARCHAR', 'created_at': 'VARCHAR', 'deleted_at': 'VARCHAR', 'organization_fields': fields} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
with landed as ({{ landed('zendesk', 'organizations', shape) }})

select
    {{ envelope() }},
    p.name as organization_name,
    {{ usable(values) }}
    deleted or p.deleted_at is not null as is_deleted,
    p.organization_fields.segment as segment,
    p.organization_fields.product as product,
    p.organization_fields.service_area as service_area,
    p.organization_fields.complexity as complexity,
    {{ stated_dimensions('p.organization_fields.') }} as dimensions,
    {{ rejected_values(values) }},
    {{ reject_reason(['null']) }}
from landed
