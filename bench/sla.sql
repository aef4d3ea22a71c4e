-- The marts tickets, ticket_replies and sla_targets as one would write them by hand for one landing: for one vendor, on one
-- engine, all at once, with nothing to carry on. Reads staged tables and the seed of zone names; writes schema by_hand.
-- getvariable('as_of') is the instant the numbers are as of, UTC. Positions and durations are microseconds.

create schema if not exists by_hand;
create or replace temp macro as_of() as getvariable('as_of');
create or replace temp macro last_of(list) as list_last(list_filter(list, lambda x: x is not null));
create or replace temp macro priority_rank(priority) as list_position(['low', 'normal', 'high', 'urgent'], priority);

-- Opening hours in UTC, with the open time before each.
create or replace temp table openings as
with hours as (
    select s.source, s.record_id as schedule_id, coalesce(z.time_zone, s.time_zone) as zone, s.holidays, unnest(s.intervals) as week
    from staging.stg_zendesk__schedules as s
    left join rules.zone_names as z on s.time_zone = z.name
),

days as (
    select unnest(generate_series(
        (select date_trunc('year', min(created_at)) from staging.stg_zendesk__tickets), as_of() + interval 4 years, interval 1 day
    )) as local_day
),

local_openings as (
    select
        source, schedule_id, zone,
        local_day + to_minutes(week.start_time % 1440) as opens,
        local_day + to_minutes(week.end_time - week.start_time // 1440 * 1440) as closes
    from hours
    inner join days on dayofweek(local_day) = week.start_time // 1440
    where len(list_filter(holidays, lambda h: local_day between h.start_date::date and h.end_date::date)) = 0
),

in_utc as (
    select
        source, schedule_id,
        timezone('UTC', timezone(zone, opens)) as opens_at,
        timezone('UTC', timezone(zone, closes)) as closes_at
    from local_openings
)

select
    *,
    coalesce(sum(epoch_us(closes_at) - epoch_us(opens_at)) over (
        partition by source, schedule_id order by opens_at rows between unbounded preceding and 1 preceding
    ), 0)::bigint as open_before,
    open_before + epoch_us(closes_at) - epoch_us(opens_at) as open_after
from in_utc;

create or replace temp table people as
select
    source, record_id as user_id, role <> 'end-user' as is_agent, is_active, organization_id,
    lag(changed_at, 1) over versions is null as is_first,
    case when is_first then timestamp '1900-01-01' else changed_at end as valid_from,
    coalesce(lead(changed_at) over versions, timestamp '9999-12-31') as valid_to
from staging.stg_zendesk__users
where changed_at <= as_of()
window versions as (partition by source, record_id order by changed_at);

create or replace temp table all_tickets as
with fields as (
    select
        source,
        max(record_id) filter (where field_title = 'Segment') as segment,
        max(record_id) filter (where field_title = 'Product') as product,
        max(record_id) filter (where field_title = 'Service area') as service_area,
        max(record_id) filter (where field_title = 'Complexity') as complexity
    from staging.stg_zendesk__ticket_fields
    group by source
),

organizations as (
    select
        *,
        case when row_number() over versions = 1 then timestamp '1900-01-01' else changed_at end as valid_from,
        coalesce(lead(changed_at) over versions, timestamp '9999-12-31') as valid_to
    from staging.stg_zendesk__organizations
    where changed_at <= as_of()
    window versions as (partition by source, record_id order by changed_at)
)

select
    t.source,
    t.record_id as ticket_id,
    t.created_at,
    t.priority as source_priority,
    t.channel,
    t.requester_id as customer_id,
    coalesce(t.organization_id, p.organization_id) as organization_id,
    coalesce(nullif(list_filter(t.custom_fields, lambda x: x.id = f.segment)[1].value, ''), nullif(o.segment, '')) as segment,
    coalesce(nullif(list_filter(t.custom_fields, lambda x: x.id = f.product)[1].value, ''), nullif(o.product, '')) as product,
    coalesce(nullif(list_filter(t.custom_fields, lambda x: x.id = f.service_area)[1].value, ''), nullif(o.service_area, '')) as service_area,
    coalesce(nullif(list_filter(t.custom_fields, lambda x: x.id = f.complexity)[1].value, ''), nullif(o.complexity, '')) as complexity,
    t.collaborator_ids,
    not (t.deleted or t.status = 'deleted' or list_has_any(t.tags, ['closed_by_merge', 'spam'])) as is_counted
from staging.stg_zendesk__tickets as t
left join fields as f on t.source = f.source
left join people as p
    on t.source = p.source and t.requester_id = p.user_id and t.created_at >= p.valid_from and t.created_at < p.valid_to
left join organizations as o
    on t.source = o.source and coalesce(t.organization_id, p.organization_id) = o.record_id
    and t.created_at >= o.valid_from and t.created_at < o.valid_to
where t.created_at <= as_of();

-- What each update of a ticket set ('' for what it emptied), and the comment it came with.
create or replace temp table updates as
select
    source, ticket_id, record_id::bigint as event_id, event_at, actor_id,
    last_of([c.status for c in children]) as new_status,
    last_of(list_transform(children, lambda c, i:
        coalesce(c.priority, case when c.event_type = 'Change' and list_contains(child_keys[i], 'priority') then '' end)
    )) as new_priority,
    last_of(list_transform(children, lambda c, i:
        coalesce(c.group_id, case when c.event_type = 'Change' and list_contains(child_keys[i], 'group_id') then '' end)
    )) as new_group,
    last_of(list_transform(children, lambda c, i:
        coalesce(c.assignee_id, case when c.event_type = 'Change' and list_contains(child_keys[i], 'assignee_id') then '' end)
    )) as new_assignee,
    last_of([c.new_schedule_id for c in children]) as new_schedule,
    list_filter(children, lambda c: c.event_type = 'Comment')[1] as comment
from staging.stg_zendesk__ticket_events
where event_at <= as_of();

-- The schedules that tickets were under. clock_before makes them one clock: business time sums over the schedules in force.
create or replace temp table ticket_schedules as
with oldest as (
    select source, arg_min(record_id, created_at) as schedule_id
    from staging.stg_zendesk__schedules
    where not deleted
    group by source
),

settings as (
    select t.source, t.ticket_id, o.schedule_id, timestamp '1900-01-01' as valid_from, 0 as event_id
    from all_tickets as t
    inner join oldest as o on t.source = o.source
    union all
    select source, ticket_id, new_schedule, event_at, event_id from updates where new_schedule is not null
),

spans as (
    select
        *,
        coalesce(lead(valid_from) over ticket, timestamp '9999-12-31') as valid_to,
        last_value(schedule_id) over (ticket rows between unbounded preceding and unbounded following) as last_schedule_id
    from settings
    window ticket as (partition by source, ticket_id order by valid_from, event_id)
),

starts as (
    select s.*, coalesce(least(epoch_us(o.closes_at), epoch_us(s.valid_from)) - epoch_us(o.opens_at) + o.open_before, 0) as starts_at_position
    from (select * from spans where valid_from < valid_to) as s
    asof left join openings as o on s.source = o.source and s.schedule_id = o.schedule_id and s.valid_from >= o.opens_at
),

ends as (
    select s.*, coalesce(least(epoch_us(o.closes_at), epoch_us(s.valid_to)) - epoch_us(o.opens_at) + o.open_before, 0) as ends_at_position
    from starts as s
    asof left join openings as o on s.source = o.source and s.schedule_id = o.schedule_id and s.valid_to >= o.opens_at
)

select
    * exclude (event_id),
    count(*) over (partition by source, ticket_id) > 1 as has_switched,
    coalesce(sum(ends_at_position - starts_at_position) over (
        partition by source, ticket_id order by valid_from rows between unbounded preceding and 1 preceding
    ), 0)::bigint as clock_from,
    clock_from - starts_at_position as shift
from ends;

create or replace temp table sla_events as
select
    source, ticket_id,
    case metric
        when 'reply_time' then case when instance_id = 1 then 'first_reply' else 'next_reply' end
        when 'agent_work_time' then 'agent_work'
        when 'requester_wait_time' then 'requester_wait'
        when 'periodic_update_time' then 'periodic_update'
        when 'pausable_update_time' then 'pausable_update'
        when 'resolution_time' then 'total_resolution'
        when 'group_ownership_time' then 'group_ownership'
    end as metric,
    instance_id as instance,
    case when event_type in ('apply_sla', 'apply_group_sla') then 'apply' else event_type end as kind,
    event_at, record_id::bigint as event_id, policy, target_seconds, is_business_hours
from staging.stg_zendesk__ticket_metric_events
where event_at <= as_of() and not is_withdrawn and not deleted
  and event_type in ('activate', 'pause', 'fulfill', 'breach', 'apply_sla', 'apply_group_sla');

-- Where every instant of a ticket that matters stands on its opening clock: of the schedules in force, and of the last one.
create or replace temp table positions as
with instants as (
    select source, ticket_id, created_at as at_time from all_tickets
    union
    select source, ticket_id, as_of() from all_tickets
    union
    select source, ticket_id, event_at from updates
    union
    select source, ticket_id, event_at from sla_events
),

scheduled as (
    select i.*, s.schedule_id, s.shift, s.last_schedule_id, s.has_switched
    from instants as i
    inner join ticket_schedules as s
        on i.source = s.source and i.ticket_id = s.ticket_id and i.at_time >= s.valid_from and i.at_time < s.valid_to
),

in_force as (
    select
        s.*,
        s.shift + coalesce(least(epoch_us(o.closes_at), epoch_us(s.at_time)) - epoch_us(o.opens_at) + o.open_before, 0) as position
    from scheduled as s
    asof left join openings as o on s.source = o.source and s.schedule_id = o.schedule_id and s.at_time >= o.opens_at
)

select source, ticket_id, at_time, position, position as position_last, has_switched
from in_force
where not has_switched
union all
select
    s.source, s.ticket_id, s.at_time, s.position,
    coalesce(least(epoch_us(o.closes_at), epoch_us(s.at_time)) - epoch_us(o.opens_at) + o.open_before, 0), true
from in_force as s
asof left join openings as o on s.source = o.source and s.last_schedule_id = o.schedule_id and s.at_time >= o.opens_at
where s.has_switched;

-- What a ticket was after each update, until the next.
create or replace temp table states as
with known as (
    select
        source, ticket_id, event_at as started_at, lead(event_at) over ticket as ended_at,
        new_status, new_priority, new_group, new_assignee,
        last_value(new_status ignore nulls) over so_far as status,
        nullif(last_value(new_priority ignore nulls) over so_far, '') as priority,
        nullif(last_value(new_group ignore nulls) over so_far, '') as group_id,
        nullif(last_value(new_assignee ignore nulls) over so_far, '') as assignee_id,
        last_value(nullif(new_status, 'deleted') ignore nulls) over before as last_status,
        last_value(nullif(new_priority, '') ignore nulls) over before as last_priority,
        last_value(nullif(new_group, '') ignore nulls) over before as last_group,
        last_value(nullif(new_assignee, '') ignore nulls) over before as last_assignee
    from updates
    where coalesce(new_status, new_priority, new_group, new_assignee) is not null
    window
        ticket as (partition by source, ticket_id order by event_at, event_id),
        so_far as (partition by source, ticket_id order by event_at, event_id rows between unbounded preceding and current row),
        before as (partition by source, ticket_id order by event_at, event_id rows between unbounded preceding and 1 preceding)
)

select
    k.source, k.ticket_id, k.started_at, k.ended_at, k.status, k.priority, k.group_id, k.assignee_id,
    coalesce(k.new_status in ('solved', 'closed') and coalesce(k.last_status not in ('solved', 'closed'), true), false) as is_solve,
    coalesce(k.new_status in ('new', 'open', 'pending', 'hold') and k.last_status in ('solved', 'closed'), false) as is_reopening,
    coalesce(nullif(k.new_group, '') <> k.last_group, false) as is_group_hop,
    coalesce(nullif(k.new_assignee, '') <> k.last_assignee, false) as is_assignee_hop,
    coalesce(priority_rank(k.new_priority) > priority_rank(k.last_priority), false) as is_priority_raise,
    epoch_us(k.ended_at) - epoch_us(k.started_at) as lasted,
    a.position as position_from, a.position_last as position_last_from,
    b.position - a.position as lasted_business, b.position_last - a.position_last as lasted_last
from known as k
inner join positions as a on k.source = a.source and k.ticket_id = a.ticket_id and k.started_at = a.at_time
left join positions as b on k.source = b.source and k.ticket_id = b.ticket_id and k.ended_at = b.at_time;

create or replace table by_hand.ticket_replies as
with comments as (
    select
        u.source, u.ticket_id, u.event_at, u.event_id,
        coalesce(u.comment.author_id, u.actor_id) as author_id,
        coalesce(u.comment.public, true) as is_public,
        author_id = '-1' or coalesce(u.comment.via.channel in ('rule', 'trigger', 'automation', 'system'), false)
            or coalesce(u.comment.via.source.rel in ('trigger', 'automation', 'rule'), false) as is_automatic,
        author_id = t.customer_id as is_requester,
        coalesce(p.is_active or p.is_agent, false) as is_known,
        coalesce(list_contains(t.collaborator_ids, author_id), false) as is_copied,
        not is_automatic and not is_requester and case when is_known then p.is_agent else not is_copied end as is_agent,
        is_agent and not is_known as is_role_assumed,
        is_public and is_agent and u.event_at > t.created_at as is_reply
    from updates as u
    inner join all_tickets as t on u.source = t.source and u.ticket_id = t.ticket_id and t.is_counted
    left join people as p
        on u.source = p.source and coalesce(u.comment.author_id, u.actor_id) = p.user_id
        and u.event_at >= p.valid_from and u.event_at < p.valid_to
    where u.comment is not null
),

numbered as (
    select
        *,
        1 + coalesce(count(*) filter (where is_reply) over (
            partition by source, ticket_id order by event_at, event_id rows between unbounded preceding and 1 preceding
        ), 0) as reply_no
    from comments
),

stretches as (
    select
        source, ticket_id, reply_no,
        min(event_at) filter (where is_public and not is_agent and not is_automatic) as asked_at,
        min(event_at) filter (where is_reply) as replied_at,
        min(author_id) filter (where is_reply) as agent_id,
        bool_or(is_reply and is_role_assumed) as is_role_assumed
    from numbered
    group by source, ticket_id, reply_no
)

select
    r.source, r.ticket_id, r.reply_no::integer as reply_no, r.reply_no = 1 as is_first_reply, t.created_at,
    case when r.reply_no = 1 then t.created_at else r.asked_at end as waits_from,
    r.replied_at,
    (epoch_us(r.replied_at) - epoch_us(case when r.reply_no = 1 then t.created_at else r.asked_at end)) / 1e6 as seconds,
    (b.position - a.position) / 1e6 as business_seconds,
    (b.position_last - a.position_last) / 1e6 as business_seconds_last_schedule,
    r.agent_id, s.group_id, r.is_role_assumed, s.priority,
    t.complexity, t.channel, t.customer_id, t.segment, t.product, t.service_area
from stretches as r
inner join all_tickets as t on r.source = t.source and r.ticket_id = t.ticket_id
left join positions as a
    on r.source = a.source and r.ticket_id = a.ticket_id
    and a.at_time = case when r.reply_no = 1 then t.created_at else r.asked_at end
left join positions as b on r.source = b.source and r.ticket_id = b.ticket_id and r.replied_at = b.at_time
left join states as s
    on r.source = s.source and r.ticket_id = s.ticket_id
    and coalesce(r.replied_at, as_of()) >= s.started_at and coalesce(r.replied_at, as_of()) < coalesce(s.ended_at, timestamp '9999-12-31')
where r.reply_no = 1 or r.asked_at is not null or r.replied_at is not null;

create or replace table by_hand.tickets as
with lives as (
    select
        source, ticket_id,
        max(status) filter (where ended_at is null) as status,
        max(priority) filter (where ended_at is null) as priority,
        max(group_id) filter (where ended_at is null) as group_id,
        max(assignee_id) filter (where ended_at is null) as assignee_id,
        bool_or(ended_at is null and status in ('solved', 'closed')) as is_resolved,
        min(started_at) filter (where assignee_id is not null) as first_assigned_at,
        min(position_from) filter (where assignee_id is not null) as assigned_position,
        min(position_last_from) filter (where assignee_id is not null) as assigned_position_last,
        min(started_at) filter (where is_solve) as first_solved_at,
        min(position_from) filter (where is_solve) as first_solved_position,
        min(position_last_from) filter (where is_solve) as first_solved_position_last,
        max(started_at) filter (where is_solve) as last_solved_at,
        max(position_from) filter (where is_solve) as last_solved_position,
        max(position_last_from) filter (where is_solve) as last_solved_position_last,
        min(started_at) filter (where is_reopening) as first_reopened_at,
        count(*) filter (where is_reopening) as reopens,
        count(*) filter (where is_group_hop) as group_hops,
        count(*) filter (where is_assignee_hop) as assignee_hops,
        count(*) filter (where is_priority_raise) as priority_raises,
        sum(lasted) filter (where status in ('new', 'open', 'hold')) as requester_wait,
        sum(lasted_business) filter (where status in ('new', 'open', 'hold')) as requester_wait_business,
        sum(lasted_last) filter (where status in ('new', 'open', 'hold')) as requester_wait_last,
        sum(lasted) filter (where status = 'pending') as agent_wait,
        sum(lasted_business) filter (where status = 'pending') as agent_wait_business,
        sum(lasted_last) filter (where status = 'pending') as agent_wait_last,
        sum(lasted) filter (where status = 'hold') as on_hold,
        sum(lasted_business) filter (where status = 'hold') as on_hold_business,
        sum(lasted_last) filter (where status = 'hold') as on_hold_last,
        sum(lasted) filter (where status in ('new', 'open')) as agent_work,
        sum(lasted_business) filter (where status in ('new', 'open')) as agent_work_business,
        sum(lasted_last) filter (where status in ('new', 'open')) as agent_work_last,
        sum(lasted) filter (where status = 'new') as in_new,
        sum(lasted_business) filter (where status = 'new') as in_new_business,
        sum(lasted_last) filter (where status = 'new') as in_new_last,
        sum(lasted) filter (where status = 'open') as in_open,
        sum(lasted_business) filter (where status = 'open') as in_open_business,
        sum(lasted_last) filter (where status = 'open') as in_open_last,
        sum(lasted) filter (where assignee_id is null and status in ('new', 'open', 'pending', 'hold')) as unassigned,
        sum(lasted_business) filter (where assignee_id is null and status in ('new', 'open', 'pending', 'hold')) as unassigned_business,
        sum(lasted_last) filter (where assignee_id is null and status in ('new', 'open', 'pending', 'hold')) as unassigned_last
    from states
    group by source, ticket_id
),

replies as (
    select
        source, ticket_id,
        count(replied_at) as public_agent_replies,
        count(waits_from) as customer_turns,
        min(replied_at) as first_reply_at,
        any_value(seconds) filter (where is_first_reply) as seconds,
        any_value(business_seconds) filter (where is_first_reply) as business_seconds,
        any_value(business_seconds_last_schedule) filter (where is_first_reply) as business_seconds_last_schedule
    from by_hand.ticket_replies
    group by source, ticket_id
),

contacts as (
    select
        *,
        lead(created_at) over (
            partition by source, customer_id, coalesce(service_area, '') order by created_at, ticket_id
        ) as next_contact_at
    from all_tickets
    where is_counted
)

select
    t.source, t.ticket_id, t.created_at, l.status, l.priority, t.source_priority, t.complexity, t.channel, t.customer_id,
    t.organization_id, l.group_id, l.assignee_id, t.segment, t.product, t.service_area,
    r.first_reply_at, l.first_assigned_at, l.first_solved_at, l.last_solved_at,
    r.seconds as first_reply_seconds,
    r.business_seconds as first_reply_business_seconds,
    r.business_seconds_last_schedule as first_reply_business_seconds_last_schedule,
    (epoch_us(l.first_assigned_at) - epoch_us(t.created_at)) / 1e6 as first_assignment_seconds,
    (l.assigned_position - c.position) / 1e6 as first_assignment_business_seconds,
    (l.assigned_position_last - c.position_last) / 1e6 as first_assignment_business_seconds_last_schedule,
    (epoch_us(l.first_solved_at) - epoch_us(t.created_at)) / 1e6 as first_resolution_seconds,
    (l.first_solved_position - c.position) / 1e6 as first_resolution_business_seconds,
    (l.first_solved_position_last - c.position_last) / 1e6 as first_resolution_business_seconds_last_schedule,
    case when l.is_resolved then (epoch_us(l.last_solved_at) - epoch_us(t.created_at)) / 1e6 end as full_resolution_seconds,
    case when l.is_resolved then (l.last_solved_position - c.position) / 1e6 end as full_resolution_business_seconds,
    case when l.is_resolved then (l.last_solved_position_last - c.position_last) / 1e6 end
        as full_resolution_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.requester_wait, 0) / 1e6 end as requester_wait_seconds,
    case when l.is_resolved then coalesce(l.requester_wait_business, 0) / 1e6 end as requester_wait_business_seconds,
    case when l.is_resolved then coalesce(l.requester_wait_last, 0) / 1e6 end as requester_wait_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.agent_wait, 0) / 1e6 end as agent_wait_seconds,
    case when l.is_resolved then coalesce(l.agent_wait_business, 0) / 1e6 end as agent_wait_business_seconds,
    case when l.is_resolved then coalesce(l.agent_wait_last, 0) / 1e6 end as agent_wait_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.on_hold, 0) / 1e6 end as on_hold_seconds,
    case when l.is_resolved then coalesce(l.on_hold_business, 0) / 1e6 end as on_hold_business_seconds,
    case when l.is_resolved then coalesce(l.on_hold_last, 0) / 1e6 end as on_hold_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.agent_work, 0) / 1e6 end as agent_work_seconds,
    case when l.is_resolved then coalesce(l.agent_work_business, 0) / 1e6 end as agent_work_business_seconds,
    case when l.is_resolved then coalesce(l.agent_work_last, 0) / 1e6 end as agent_work_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.in_new, 0) / 1e6 end as in_new_seconds,
    case when l.is_resolved then coalesce(l.in_new_business, 0) / 1e6 end as in_new_business_seconds,
    case when l.is_resolved then coalesce(l.in_new_last, 0) / 1e6 end as in_new_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.in_open, 0) / 1e6 end as in_open_seconds,
    case when l.is_resolved then coalesce(l.in_open_business, 0) / 1e6 end as in_open_business_seconds,
    case when l.is_resolved then coalesce(l.in_open_last, 0) / 1e6 end as in_open_business_seconds_last_schedule,
    case when l.is_resolved then coalesce(l.unassigned, 0) / 1e6 end as unassigned_seconds,
    case when l.is_resolved then coalesce(l.unassigned_business, 0) / 1e6 end as unassigned_business_seconds,
    case when l.is_resolved then coalesce(l.unassigned_last, 0) / 1e6 end as unassigned_business_seconds_last_schedule,
    case when not l.is_resolved then (epoch_us(as_of()) - epoch_us(t.created_at)) / 1e6 end as unsolved_age_seconds,
    case when not l.is_resolved then (n.position - c.position) / 1e6 end as unsolved_age_business_seconds,
    case when not l.is_resolved then (n.position_last - c.position_last) / 1e6 end as unsolved_age_business_seconds_last_schedule,
    l.reopens, l.group_hops, l.assignee_hops, l.priority_raises, l.group_hops + l.priority_raises as escalations,
    coalesce(r.public_agent_replies, 0) as public_agent_replies,
    l.is_resolved and coalesce(r.public_agent_replies, 0) = 1 as is_one_touch,
    l.is_resolved and coalesce(r.public_agent_replies, 0) < 2 as is_one_touch_explore,
    coalesce(r.customer_turns, 1) as customer_turns,
    null::double as handle_seconds,
    case
        when l.first_solved_at + interval 7 days <= as_of()
            then coalesce(t.next_contact_at <= l.first_solved_at + interval 7 days, false)
    end as has_repeat_contact,
    case
        when l.first_solved_at + interval 7 days <= as_of()
            then coalesce(l.first_reopened_at <= l.first_solved_at + interval 7 days, false)
    end as is_reopened_in_window,
    not has_repeat_contact and not is_reopened_in_window as is_first_contact_resolved,
    true as has_status_history
from contacts as t
inner join lives as l on t.source = l.source and t.ticket_id = l.ticket_id
inner join positions as c on t.source = c.source and t.ticket_id = c.ticket_id and t.created_at = c.at_time
inner join positions as n on t.source = n.source and t.ticket_id = n.ticket_id and n.at_time = as_of()
left join replies as r on t.source = r.source and t.ticket_id = r.ticket_id;

-- Every target, with when it was replaced, when its clock was fulfilled, and until when it stood.
create or replace temp table targets as
with clocks as (
    select
        source, ticket_id, metric, instance,
        min(event_at) filter (where kind = 'activate') as clock_started_at,
        case
            when arg_max(kind, (event_at, event_id)) filter (where kind in ('activate', 'pause', 'fulfill')) = 'fulfill'
                then max(event_at) filter (where kind = 'fulfill')
        end as fulfilled_at
    from sla_events
    group by source, ticket_id, metric, instance
    having bool_or(kind = 'apply')
),

applications as (
    select
        *,
        lag(struct_pack(p := policy, t := target_seconds, h := is_business_hours)) over clock as previous,
        row_number() over clock as application_no
    from sla_events
    where kind = 'apply'
    window clock as (partition by source, ticket_id, metric, instance order by event_at, event_id)
),

changes as (
    select
        *, event_at as applied_at, lead(event_at) over clock as replaced_at,
        lead(event_at) over clock is not null and lead(target_seconds) over clock is null as is_withdrawn
    from applications
    where application_no = 1
       or previous is distinct from struct_pack(p := policy, t := target_seconds, h := is_business_hours)
    window clock as (partition by source, ticket_id, metric, instance order by event_at, event_id)
)

select
    a.source, a.ticket_id, a.metric, a.instance, a.policy, a.target_seconds, a.is_business_hours, a.applied_at, a.replaced_at, a.is_withdrawn,
    c.clock_started_at,
    (a.target_seconds * 1e6)::bigint as target,
    case when c.fulfilled_at <= coalesce(a.replaced_at, timestamp '9999-12-31') then c.fulfilled_at end as fulfilled_at,
    least(c.fulfilled_at, a.replaced_at, as_of()) as stands_until
from changes as a
inner join all_tickets as t on a.source = t.source and a.ticket_id = t.ticket_id and t.is_counted
inner join clocks as c on a.source = c.source and a.ticket_id = c.ticket_id and a.metric = c.metric and a.instance = c.instance
where a.target_seconds is not null
  and (a.replaced_at is null or a.applied_at < a.replaced_at)
  and (c.fulfilled_at is null or a.applied_at <= c.fulfilled_at);

-- Elapsed time of each target and where on the clock it is due: where the runs reach it, else as if the last one went on.
create or replace temp table target_clocks as
with runs as (
    select source, ticket_id, metric, instance, kind, event_at as started_at, lead(event_at) over clock as ended_at
    from sla_events
    where kind in ('activate', 'pause', 'fulfill')
    window clock as (partition by source, ticket_id, metric, instance order by event_at, event_id)
),

target_runs as (
    select
        a.source, a.ticket_id, a.metric, a.instance, a.applied_at, a.is_business_hours, a.target,
        r.started_at, least(r.ended_at, a.stands_until) as ended_at, r.ended_at is null or r.ended_at >= a.stands_until as is_to_the_end
    from targets as a
    inner join runs as r
        on a.source = r.source and a.ticket_id = r.ticket_id and a.metric = r.metric and a.instance = r.instance
        and r.kind = 'activate' and r.started_at <= a.stands_until
),

placed as (
    select r.*, 'calendar' as clock, epoch_us(r.started_at) as from_position, epoch_us(r.ended_at) as to_position
    from target_runs as r
    where not r.is_business_hours
    union all
    select r.*, c.clock, case c.clock when 'business' then a.position else a.position_last end,
        case c.clock when 'business' then b.position else b.position_last end
    from target_runs as r
    inner join positions as a on r.source = a.source and r.ticket_id = a.ticket_id and r.started_at = a.at_time
    inner join positions as b on r.source = b.source and r.ticket_id = b.ticket_id and r.ended_at = b.at_time
    inner join (values ('business'), ('last')) as c (clock) on c.clock = 'business' or a.has_switched
    where r.is_business_hours
),

summed as (
    select
        *,
        coalesce(sum(to_position - from_position) over (
            partition by source, ticket_id, metric, instance, applied_at, clock order by started_at
            rows between unbounded preceding and 1 preceding
        ), 0)::bigint as ran_before
    from placed
)

select
    source, ticket_id, metric, instance, applied_at, clock,
    sum(to_position - from_position)::bigint as elapsed,
    bool_or(is_to_the_end) as runs_to_the_end,
    coalesce(
        min(from_position + target - ran_before) filter (
            where ran_before < target and ran_before + to_position - from_position >= target
        ),
        case when runs_to_the_end then max(to_position) + any_value(target) - elapsed end
    ) as due_position
from summed
group by source, ticket_id, metric, instance, applied_at, clock;

create or replace temp table due_times as
with on_schedule as (
    select c.*, s.schedule_id, c.due_position - s.shift as schedule_position
    from target_clocks as c
    inner join ticket_schedules as s
        on c.source = s.source and c.ticket_id = s.ticket_id
        and c.due_position > s.clock_from
        and (s.valid_to = timestamp '9999-12-31' or c.due_position <= s.clock_from + s.ends_at_position - s.starts_at_position)
    where c.clock = 'business'
    union all
    select c.*, s.last_schedule_id, c.due_position
    from target_clocks as c
    inner join ticket_schedules as s
        on c.source = s.source and c.ticket_id = s.ticket_id and s.valid_to = timestamp '9999-12-31'
    where c.clock = 'last' and c.due_position is not null
)

select source, ticket_id, metric, instance, applied_at, clock, elapsed, runs_to_the_end, make_timestamp(due_position) as due_at
from target_clocks
where clock = 'calendar'
union all
select
    d.source, d.ticket_id, d.metric, d.instance, d.applied_at, d.clock, d.elapsed, d.runs_to_the_end,
    case when d.schedule_position <= o.open_after then make_timestamp(epoch_us(o.opens_at) + d.schedule_position - o.open_before) end
from on_schedule as d
asof left join openings as o on d.source = o.source and d.schedule_id = o.schedule_id and d.schedule_position > o.open_before
union all
select source, ticket_id, metric, instance, applied_at, clock, elapsed, runs_to_the_end, null
from target_clocks
where clock <> 'calendar' and due_position is null;

create or replace table by_hand.sla_targets as
with breaches as (
    select a.source, a.ticket_id, a.metric, a.instance, a.applied_at, min(e.event_at) as breached_at
    from targets as a
    inner join sla_events as e
        on a.source = e.source and a.ticket_id = e.ticket_id and a.metric = e.metric and a.instance = e.instance and e.kind = 'breach'
        and e.event_at >= a.applied_at and e.event_at < coalesce(a.replaced_at, timestamp '9999-12-31')
    group by all
),

-- A clock is breached once: what is put on it afterwards does not count.
counted_once as (
    select
        a.*,
        min(b.breached_at) over (
            partition by a.source, a.ticket_id, a.metric, a.instance order by a.applied_at rows between unbounded preceding and 1 preceding
        ) is not null as is_on_breached_clock,
        b.breached_at as stamped_at
    from targets as a
    left join breaches as b
        on a.source = b.source and a.ticket_id = b.ticket_id and a.metric = b.metric and a.instance = b.instance
        and a.applied_at = b.applied_at
),

told as (select *, case when not is_on_breached_clock then stamped_at end as breached_at from counted_once),

judged as (
    select
        a.*, d.due_at, coalesce(l.due_at, d.due_at) as due_at_last_schedule,
        coalesce(d.elapsed, case when a.clock_started_at is not null then 0 end) as elapsed,
        coalesce(l.elapsed, d.elapsed, case when a.clock_started_at is not null then 0 end) as elapsed_last,
        coalesce(a.fulfilled_at, a.replaced_at) as ended_at,
        a.fulfilled_at is null and a.replaced_at is null and not coalesce(d.runs_to_the_end, false) as is_paused,
        case
            when a.is_on_breached_clock then 'superseded'
            when a.breached_at is not null then 'breached'
            when a.fulfilled_at is not null then 'met'
            when a.is_withdrawn then 'cancelled'
            when a.replaced_at is not null then 'superseded'
            else 'active'
        end as outcome,
        case
            when a.breached_at is null and a.metric = 'group_ownership' then coalesce(a.fulfilled_at, a.replaced_at) - interval 1 microsecond
            else coalesce(a.breached_at, a.fulfilled_at, a.replaced_at)
        end as held_at
    from told as a
    left join due_times as d
        on a.source = d.source and a.ticket_id = d.ticket_id and a.metric = d.metric and a.instance = d.instance
        and a.applied_at = d.applied_at and d.clock <> 'last'
    left join due_times as l
        on a.source = l.source and a.ticket_id = l.ticket_id and a.metric = l.metric and a.instance = l.instance
        and a.applied_at = l.applied_at and l.clock = 'last'
)

select
    j.source, j.ticket_id, j.policy, j.metric, j.instance, 'vendor' as origin, put.priority,
    t.complexity, t.segment, t.product, t.service_area, t.channel, held.group_id, held.assignee_id as agent_id,
    j.target_seconds, j.is_business_hours, j.applied_at, j.due_at, j.due_at_last_schedule, j.ended_at,
    j.elapsed / 1e6 as elapsed_seconds, j.elapsed_last / 1e6 as elapsed_seconds_last_schedule, j.is_paused, j.outcome, j.breached_at
from judged as j
inner join all_tickets as t on j.source = t.source and j.ticket_id = t.ticket_id
left join states as put
    on j.source = put.source and j.ticket_id = put.ticket_id
    and j.applied_at >= put.started_at and j.applied_at < coalesce(put.ended_at, timestamp '9999-12-31')
left join states as held
    on j.source = held.source and j.ticket_id = held.ticket_id
    and coalesce(j.held_at, as_of()) >= held.started_at and coalesce(j.held_at, as_of()) < coalesce(held.ended_at, timestamp '9999-12-31');
