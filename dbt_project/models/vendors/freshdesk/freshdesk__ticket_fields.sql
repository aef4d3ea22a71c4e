with attributes as (select source, field, attribute from {{ ref('ticket_field_map') }})

select f.source, f.field_name as field_id, m.attribute, f.batch_id, f.changed_at
from {{ ref('stg_freshdesk__ticket_fields') }} as f
left join attributes as m
    on m.source in (f.source, '*') and (m.field in (f.record_id, f.field_name) or lower(m.field) = lower(f.field_title))
{#- What all tickets are read by changes them as a field does: the hours and the name of what they belong to. #}
{% for stream in ['groups', 'products', 'agents'] %}
union all
select source, cast(null as varchar), cast(null as varchar), batch_id, changed_at from {{ ref('stg_freshdesk__' ~ stream) }}
{% endfor %}
