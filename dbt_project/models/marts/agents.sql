{{ config(meta={'next_at': 'horizon'}) }}
{#- Agents by id: those who had come by the as-of time with an agent's role, or with tickets assigned. No names. Who replies sooner than people
    can, on most tickets, is probably a program, unless the rule file bots says yes or no. #}
with assigned as (
    select source, assignee_id as agent_id, count(*) as tickets from {{ ref('tickets') }} where assignee_id is not null group by source, assignee_id
),

users as (
    select source, user_id as agent_id, is_active, created_at from {{ ref('int_users') }} where valid_to = {{ the_end() }} and role = 'agent'
),

limits as (
    select
        s.source,
        coalesce(own.within_seconds, every.within_seconds, 10) as within_seconds,
        coalesce(own.min_tickets, every.min_tickets, 20) as min_tickets
    from (select distinct source from {{ ref('ticket_replies') }}) as s
    left join {{ ref('bots') }} as own on s.source = own.source and own.user_id is null
    left join {{ ref('bots') }} as every on every.source = '*' and every.user_id is null
),

replied as (
    select source, agent_id, ticket_id, min(seconds) as seconds
    from {{ ref('ticket_replies') }}
    where seconds is not null
    group by source, agent_id, ticket_id
),

quick as (
    select r.source, r.agent_id
    from replied as r
    inner join limits as l on r.source = l.source
    where not exists (select 1 from {{ ref('bots') }} as b where b.source = r.source and b.user_id = r.agent_id)
    group by r.source, r.agent_id, l.min_tickets
    having count(*) >= l.min_tickets and 2 * count(case when r.seconds <= l.within_seconds then 1 end) > count(*)
)

select
    coalesce(u.source, a.source) as source,
    coalesce(u.agent_id, a.agent_id) as agent_id,
    u.is_active,
    coalesce(a.tickets, 0) as tickets,
    q.agent_id is not null as is_probable_bot
from users as u
full outer join assigned as a on u.source = a.source and u.agent_id = a.agent_id
left join quick as q on coalesce(u.source, a.source) = q.source and coalesce(u.agent_id, a.agent_id) = q.agent_id
where a.agent_id is not null or u.created_at is null or u.created_at <= {{ as_of() }}
