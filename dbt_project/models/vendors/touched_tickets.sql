{{ config(meta={'next_at': 'always'}, materialized='table') }}
{%- set previous = this.incorporate(path={'schema': 'core', 'identifier': 'int_tickets'}) -%}
{%- set previous_events = this.incorporate(path={'schema': 'core', 'identifier': 'int_ticket_events'}) -%}
{%- set previous_schedules = this.incorporate(path={'schema': 'core', 'identifier': 'int_ticket_schedules'}) -%}
{%- set previous_measures = this.incorporate(path={'schema': 'core', 'identifier': 'int_ticket_measures'}) -%}
{%- set previous_targets = this.incorporate(path={'schema': 'marts', 'identifier': 'sla_targets'}) -%}
{%- set previous_clocks = this.incorporate(path={'schema': 'core', 'identifier': 'int_sla_clocks'}) -%}
{#- What of a user decides numbers of tickets. -#}
{%- set person = ['role', 'is_active', 'organization_id'] -%}
with news as (
    select batch_id from control.applied_batches
    where batch_id not in (select batch_id from control.built_batches)
),

last_build as (select coalesce(max(as_of), {{ the_beginning() }}) as as_of from control.completed_builds),

{#- A record is news when its batch is, or when it happened between the last as-of time and this one. #}
{%- set is_news -%}
(r.batch_id in (select batch_id from news) or (r.changed_at > (select as_of from last_build) and r.changed_at <= {{ as_of() }}))
{%- endset %}

all_tickets as (
    select distinct r.source, r.ticket_id
    from ({{ united('ticket_records', ['source', 'ticket_id', 'is_ticket']) }}) as r
    where r.is_ticket
)
{% if rebuilds_all_tickets() %}
select t.source, t.ticket_id, {{ slice_of_tickets() }} as slice from all_tickets as t
{% else %}
, changed_users as (
    select distinct v.source, v.user_id
    from (
        select
            r.source, r.user_id, {{ is_news }} as is_news,
            {{ row_hash(person) }} as content,
            lag({{ row_hash(person) }}) over (partition by r.source, r.user_id order by r.changed_at) as content_before
        from ({{ united('users', ['source', 'user_id', 'batch_id', 'changed_at'] + person) }}) as r
    ) as v
    where v.is_news and v.content is distinct from v.content_before
),

changed_organizations as (
    select distinct r.source, r.organization_id
    from ({{ united('organizations', ['source', 'organization_id', 'batch_id', 'changed_at']) }}) as r
    where {{ is_news }}
),

changed_schedules as (
    select v.source, v.source || '/' || v.schedule_id as schedule_key, coalesce(v.is_deleted <> v.was_deleted, true) as comes_or_goes
    from (
        select
            r.source, r.schedule_id, r.is_deleted, {{ is_news }} as is_news,
            lag(r.is_deleted) over (partition by r.source, r.schedule_id order by r.changed_at) as was_deleted
        from ({{ united('schedules', ['source', 'schedule_id', 'is_deleted', 'batch_id', 'changed_at']) }}) as r
    ) as v
    where v.is_news
),

changed_fields as (
    select distinct r.source
    from ({{ united('ticket_fields', ['source', 'batch_id', 'changed_at']) }}) as r
    where {{ is_news }}
),

changed as (
    select r.source, r.ticket_id
    from ({{ united('ticket_records', ['source', 'ticket_id', 'batch_id', 'changed_at']) }}) as r
    where {{ is_news }}
    union
    {#- A follow-up decides whether the ticket that it names was settled at first contact. #}
    select r.source, r.follows_ticket_id
    from ({{ united('ticket_records', ['source', 'follows_ticket_id', 'batch_id', 'changed_at']) }}) as r
    where r.follows_ticket_id is not null and {{ is_news }}
    union
    select t.source, t.ticket_id from {{ previous }} as t
    inner join changed_users as u on t.source = u.source and t.customer_id = u.user_id
    union
    select e.source, e.ticket_id from {{ previous_events }} as e
    inner join changed_users as u on e.source = u.source and e.actor_id = u.user_id
    union
    {#- What a deleted user did on any ticket decides whose comments theirs are on all. #}
    select e.source, e.ticket_id from {{ previous_events }} as e
    left join ({{ united('former_agents', ['source', 'user_id']) }}) as f on e.source = f.source and e.actor_id = f.user_id
    where e.is_role_judged and (e.actor_role = 'agent') <> (f.user_id is not null)
    union
    select t.source, t.ticket_id from {{ previous }} as t
    inner join changed_organizations as o on t.source = o.source and t.organization_id = o.organization_id
    union
    select s.source, s.ticket_id from {{ previous_schedules }} as s
    inner join changed_schedules as c on s.schedule_key = c.schedule_key
    union
    {#- A schedule that comes or goes may make another the default of all. #}
    select t.source, t.ticket_id from {{ previous }} as t
    where t.source in (select c.source from changed_schedules as c where c.comes_or_goes)
    union
    {#- A metric for which the source now has targets itself is no longer ours. #}
    select t.source, t.ticket_id from {{ previous }} as t
    where t.source in (
        select k.source from (select distinct source, metric from {{ previous_clocks }} where origin = 'own') as k
        inner join ({{ united('sla_metrics', ['source', 'metric']) }}) as m on k.source = m.source and k.metric = m.metric
    )
    union
    select t.source, t.ticket_id from {{ previous }} as t where t.source in (select source from changed_fields)
),

{#- A ticket that comes, goes or changes decides whether earlier ones of its customer were settled at first contact: those that were
    unsolved when it came, or whose window (settles_at of int_ticket_measures) was open. #}
visitors as (
    select p.source, p.customer_id, p.created_at from {{ previous }} as p
    inner join changed as c on p.source = c.source and p.ticket_id = c.ticket_id
    union
    select r.source, r.customer_id, r.created_at
    from ({{ united('ticket_records', ['source', 'customer_id', 'created_at', 'is_ticket', 'batch_id', 'changed_at']) }}) as r
    where r.is_ticket and {{ is_news }}
),

touched as (
    select source, ticket_id from changed
    union
    {#- Clocks of unsolved tickets are read at the as-of time, and windows end by it. No number counts excluded ones. #}
    select m.source, m.ticket_id
    from {{ previous_measures }} as m
    inner join {{ previous }} as p on m.source = p.source and m.ticket_id = p.ticket_id
    where p.exclusion_reason is null
      and (
          not m.is_resolved or m.status not in ('solved', 'closed') or p.status not in ('solved', 'closed')
          or (m.settles_at > (select as_of from last_build) and m.settles_at <= {{ as_of() }})
      )
    union
    {#- So are those of targets that still stand, on whatever ticket. #}
    select source, ticket_id from {{ previous_targets }} where ended_at is null and (outcome = 'active' or origin <> 'declared')
    union
    select p.source, p.ticket_id from {{ previous }} as p
    inner join visitors as v on p.source = v.source and p.customer_id = v.customer_id and p.created_at <= v.created_at
    left join {{ previous_measures }} as m on p.source = m.source and p.ticket_id = m.ticket_id
    where m.settles_at is null or m.settles_at >= v.created_at
)

select t.source, t.ticket_id, {{ slice_of_tickets() }} as slice
from touched as t
inner join all_tickets as a on t.source = a.source and t.ticket_id = a.ticket_id
{% endif %}
