{#- Agents by id: those who had come by the as-of time with an agent's role, or with tickets assigned. No names. #}
with assigned as (
    select source, assignee_id as agent_id, count(*) as tickets from {{ ref('tickets') }} where assignee_id is not null group by source, assignee_id
),

users as (
    select source, user_id as agent_id, is_active, created_at from {{ ref('int_users') }} where valid_to = {{ the_end() }} and role = 'agent'
)

select
    coalesce(u.source, a.source) as source,
    coalesce(u.agent_id, a.agent_id) as agent_id,
    u.is_active,
    coalesce(a.tickets, 0) as tickets
from users as u
full outer join assigned as a on u.source = a.source and u.agent_id = a.agent_id
where a.agent_id is not null or u.created_at is null or u.created_at <= {{ as_of() }}
