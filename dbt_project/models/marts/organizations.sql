{{ config(meta={'next_at': 'horizon'}) }}
{#- Customers' organizations as they are at the as-of time. #}
select
    o.source,
    o.organization_id,
    o.organization_name,
    o.segment,
    o.product,
    o.service_area,
    o.complexity,
    o.is_deleted,
    o.created_at,
    coalesce(t.tickets, 0) as tickets
from {{ ref('int_organizations') }} as o
left join (
    select source, organization_id, count(*) as tickets from {{ ref('tickets') }} group by source, organization_id
) as t on o.source = t.source and o.organization_id = t.organization_id
where o.valid_to = {{ the_end() }}
  and (t.tickets is not null or o.created_at is null or o.created_at <= {{ as_of() }})
