{%- set numbers = compared_numbers() -%}
{%- set tells_times = "status not in ('solved', 'closed') or coalesce("
    ~ "vendor_first_reply_minutes, vendor_first_resolution_minutes, vendor_full_resolution_minutes, vendor_requester_wait_minutes) is not null" -%}
with versions as (
    select *, row_number() over (partition by source, record_id order by {{ in_force_first('changed_at') }}) as version_no
    from {{ ref('stg_zendesk__tickets') }} as t
    where {{ is_touched('t', 'record_id') }}
),

{#- Every metric set counts reopens: without them the ticket came without its set. That of a solved ticket without any time, as of an imported
    one, tells none. #}
sets as (
    select * from versions where version_no = 1 and changed_at <= {{ as_of() }} and vendor_reopens is not null
),

{#- A clock's minutes only grow, so that its largest are its newest. #}
statuses as (
    select
        e.source, e.ticket_id,
        {{ zendesk_sla_metric('e') }} as metric,
        max(e.vendor_calendar_minutes) as calendar, max(e.vendor_business_minutes) as business, max(e.event_at) as read_at,
        max(case when e.event_type = 'fulfill' then e.event_at end) as ended_at
    from {{ ref('stg_zendesk__ticket_metric_events') }} as e
    where e.vendor_calendar_minutes is not null and e.event_type in ('fulfill', 'update_status')
      and e.event_at <= {{ as_of() }} and not e.is_withdrawn and not e.deleted and {{ is_touched('e') }}
    group by e.source, e.ticket_id, e.metric, e.instance_id
),

{#- A reply clock that ended with a solve may have ended without a reply. #}
replied as (
    select r.source, r.ticket_id, count(*) as replies
    from statuses as r
    where r.metric in ('first_reply', 'next_reply') and r.ended_at is not null
      and not exists (
          select 1 from statuses as s
          where s.source = r.source and s.ticket_id = r.ticket_id and s.metric not in ('first_reply', 'next_reply') and s.ended_at = r.ended_at
      )
    group by r.source, r.ticket_id
),

{#- Instances of one clock are added up. #}
clocks as (
    select
        source,
        ticket_id,
        max(read_at) as read_at,
        count(case when metric = 'next_reply' then 1 end) as next_replies
        {% for metric in ['first_reply', 'next_reply', 'total_resolution', 'requester_wait', 'agent_work'] %}
        {% for clock in ['calendar', 'business'] %}
        , sum(case when metric = '{{ metric }}' then {{ clock }} end) as {{ metric }}_{{ clock }}
        {% endfor %}
        {% endfor %}
    from statuses
    group by source, ticket_id
),

counted as (
    select c.*, coalesce(r.replies, 0) as replies
    from clocks as c
    left join replied as r on c.source = r.source and c.ticket_id = r.ticket_id
)

{{ vendor_numbers(numbers, 'zendesk_metric_set', 'changed_at', {
    'first_reply_calendar': 'vendor_first_reply_minutes', 'first_reply_business': 'vendor_first_reply_business_minutes',
    'first_reply_exact': 'vendor_first_reply_seconds',
    'first_resolution_calendar': 'vendor_first_resolution_minutes', 'first_resolution_business': 'vendor_first_resolution_business_minutes',
    'full_resolution_calendar': 'vendor_full_resolution_minutes', 'full_resolution_business': 'vendor_full_resolution_business_minutes',
    'requester_wait_calendar': 'vendor_requester_wait_minutes', 'requester_wait_business': 'vendor_requester_wait_business_minutes',
    'agent_wait_calendar': 'vendor_agent_wait_minutes', 'agent_wait_business': 'vendor_agent_wait_business_minutes',
    'on_hold_calendar': 'vendor_on_hold_minutes', 'on_hold_business': 'vendor_on_hold_business_minutes',
    'first_assignment': seconds(micros_between('created_at', 'vendor_initially_assigned_at')) ~ ' / 60e0',
    'reopens': 'vendor_reopens', 'public_agent_replies': 'vendor_replies',
    'group_hops': 'greatest(vendor_group_stations - 1, 0)', 'assignee_hops': 'greatest(vendor_assignee_stations - 1, 0)'
}, ticket_id='record_id', is_full_set=tells_times) }}
from sets
union all
{{ vendor_numbers(numbers, 'zendesk_metric_events', 'read_at', {
    'first_reply_calendar': 'first_reply_calendar', 'first_reply_business': 'first_reply_business',
    'next_reply_calendar': 'next_reply_calendar', 'next_reply_business': 'next_reply_business',
    'full_resolution_calendar': 'total_resolution_calendar', 'full_resolution_business': 'total_resolution_business',
    'requester_wait_calendar': 'requester_wait_calendar', 'requester_wait_business': 'requester_wait_business',
    'agent_work_calendar': 'agent_work_calendar', 'agent_work_business': 'agent_work_business',
    'public_agent_replies': 'replies'
}, next_replies='next_replies') }}
from counted
