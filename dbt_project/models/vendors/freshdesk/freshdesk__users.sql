{#- Agents and contacts have one set of ids. An agent who is no more one may go on as a contact. #}
with agents as (
    select source, record_id, is_active, created_at, batch_id, changed_at, deleted from {{ ref('stg_freshdesk__agents') }}
),

contacts as (
    select source, record_id, is_active, company_id, created_at, batch_id, changed_at from {{ ref('freshdesk__contact_versions') }}
)

select
    a.source,
    a.record_id as user_id,
    'agent' as role,
    a.is_active,
    cast(null as varchar) as organization_id,
    a.created_at,
    a.batch_id,
    a.changed_at
from agents as a
where not a.deleted
   or not exists (select 1 from contacts as c where c.source = a.source and c.record_id = a.record_id)
union all
select
    c.source,
    c.record_id,
    'end_user',
    c.is_active,
    c.company_id,
    c.created_at,
    c.batch_id,
    c.changed_at
from contacts as c
where not exists (
    select 1 from agents as a
    where a.source = c.source and a.record_id = c.record_id and not a.deleted and a.changed_at is not distinct from c.changed_at
)
