{{ config(meta={'next_at': 'horizon'}) }}
{#- Customers by id: those who had come by the as-of time. No names, no addresses. #}
with asked as (
    select source, customer_id, count(*) as tickets, min(created_at) as first_ticket_at, max(created_at) as last_ticket_at
    from {{ ref('tickets') }}
    where customer_id is not null
    group by source, customer_id
),

users as (
    select source, user_id, organization_id, is_active, created_at from {{ ref('int_users') }} where valid_to = {{ the_end() }} and role = 'end_user'
)

select
    coalesce(a.source, u.source) as source,
    coalesce(a.customer_id, u.user_id) as customer_id,
    u.organization_id,
    u.is_active,
    coalesce(o.segment, sc.segment, so.segment) as segment,
    coalesce(a.tickets, 0) as tickets,
    a.first_ticket_at,
    a.last_ticket_at
from asked as a
full outer join users as u on a.source = u.source and a.customer_id = u.user_id
left join {{ ref('int_organizations') }} as o
    on coalesce(a.source, u.source) = o.source and u.organization_id = o.organization_id and o.valid_to = {{ the_end() }}
left join {{ ref('segments') }} as sc
    on coalesce(a.source, u.source) = sc.source and coalesce(a.customer_id, u.user_id) = sc.customer_id
left join {{ ref('segments') }} as so
    on coalesce(a.source, u.source) = so.source and u.organization_id = so.organization_id and so.customer_id is null
where a.customer_id is not null or u.created_at is null or u.created_at <= {{ as_of() }}
