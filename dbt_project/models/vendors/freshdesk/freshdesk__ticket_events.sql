{#- Conversations tell the messages. Nobody tells changes: of those of the status the vendor dates the last of each kind, in every version that
    landed; of others two versions tell that there was one, and by when. #}
with told_versions as (
    select
        v.*,
        {{ freshdesk_status('v.status_code', 's.status') }} as status
    from {{ ref('freshdesk__ticket_versions') }} as v
    left join {{ ref('freshdesk__statuses') }} as s on v.source = s.source and v.status_code = s.code
    where v.created_at is not null and {{ is_touched('v', 'record_id') }}
),

{#- A time of the last change is that of the status which came with it first: another one with the same time came later, nobody knows when. #}
versions as (
    select
        *,
        case
            when status = first_value(status) over (
                partition by source, record_id, vendor_status_updated_at order by changed_at, fetched_at, list_no
            ) then vendor_status_updated_at
        end as status_updated_at
    from told_versions
),

landed as (select * from versions where changed_at <= {{ as_of() }}),

{#- Also as a later version dates it. #}
points as (
    {%- for at, place, value in [
        ('created_at', 0, "'open'"), ('vendor_resolved_at', 2, "'solved'"), ('vendor_reopened_at', 3, "'open'"), ('vendor_pending_since', 4, "'pending'"),
        ('vendor_closed_at', 5, "'closed'"), ('status_updated_at', 6, 'status')
    ] %}
    select source, record_id, {{ at }} as event_at, {{ place }} as place, {{ value }} as value, true as is_dated
    from versions
    where {{ at }} <= {{ as_of() }}
    union
    {%- endfor %}
    select source, record_id, changed_at, 7, status, false
    from landed
    where status_updated_at is null
),

in_order as (
    select *, lag(value) over (partition by source, record_id order by event_at, place, value) as previous_value from points
),

{#- What is reopened was solved before. #}
statuses as (
    select source, record_id, event_at, place, value, is_dated from in_order
    union all
    select source, record_id, event_at, 1, 'solved', false
    from in_order
    where place = 3 and coalesce(previous_value not in ('solved', 'closed'), true)
),

first_versions as (
    select *, row_number() over (partition by source, record_id order by changed_at, fetched_at, list_no) as version_no from landed
),

{% for kind, column in [('priority', 'priority'), ('group', 'group_id'), ('assignee', 'responder_id')] %}
{{ kind }}_moves as (
    select v.source, v.record_id, v.version_no, v.changed_at, v.created_at, v.{{ column }} as value
    from first_versions as v
    inner join (
        select source, record_id from landed group by source, record_id having count(distinct coalesce({{ column }}, '')) > 1
    ) as m on v.source = m.source and v.record_id = m.record_id
),

{% endfor %}
default_hours as (
    select source, min(record_id) as schedule_id
    from {{ in_force(ref('stg_freshdesk__business_hours')) }} as h
    where is_default and not deleted
    group by source
),

{#- The hours of the group, else the account's own. #}
hours as (
    select t.source, t.ticket_id, t.created_at, coalesce(g.schedule_id, d.schedule_id) as schedule_id
    from {{ ref('freshdesk__tickets') }} as t
    left join {{ in_force(ref('stg_freshdesk__groups')) }} as g on t.source = g.source and t.group_id = g.record_id
    left join default_hours as d on t.source = d.source
),

messages as (
    select * from {{ ref('stg_freshdesk__conversations') }} as m
    where m.event_at <= {{ as_of() }} and not m.deleted and {{ is_touched('m') }}
      {#- Feedback to a survey is no message. #}
      and m.source_code is distinct from '6'
),

told as (
    select
        source, record_id as ticket_id, concat('status ', event_at, ' ', place, ' ', value) as event_id, event_at, place as sequence_no, 1 as child_no,
        1 as kind_no, true as can_repeat, 'status' as kind, value, cast(null as varchar) as actor_id, cast(null as varchar) as actor_role, false as is_public,
        false as is_automatic, is_dated, 'vendor' as origin
    from statuses
    {% for kind in ['priority', 'group', 'assignee'] %}
    union all
    select
        source, record_id, 'version ' || coalesce(cast(case when version_no > 1 then changed_at end as varchar), ''),
        case when version_no > 1 then changed_at else created_at end, 8, version_no, {{ loop.index + 1 }}, true, '{{ kind }}', value, null, null, false, false,
        version_no = 1 and {{ begins_with_ticket('changed_at', 'created_at') }}, 'vendor'
    from {{ kind }}_moves
    {% endfor %}
    union all
    select source, ticket_id, 'hours', created_at, 0, 1, 5, false, 'schedule', schedule_id, null, null, false, false, true, 'vendor'
    from hours
    where schedule_id is not null
    union all
    {#- What a ticket begins with is no conversation. An agent writes first on outbound ones; a call is its customer's. #}
    select
        source, ticket_id, 'opening', created_at, 0, 1, 6, false, 'comment', null,
        case when not is_outgoing then customer_id end, case when is_outgoing then 'agent' end, true, false, true, 'events'
    from {{ ref('freshdesk__tickets') }}
    union all
    {#- A forward goes to a third party. #}
    select
        source, ticket_id, record_id, event_at, try_cast(record_id as bigint), 1, 6, false, 'comment', null, actor_id,
        case when is_incoming then 'end_user' end, not is_private and coalesce(source_code, '') <> '8', is_automatic, true, 'events'
    from messages
)

select
    t.source,
    t.ticket_id,
    t.event_id,
    t.event_at,
    cast(t.sequence_no as bigint) as sequence_no,
    cast(t.child_no as integer) as child_no,
    t.kind_no,
    t.can_repeat,
    t.kind,
    t.value,
    t.actor_id,
    t.actor_role,
    t.is_public,
    t.is_automatic,
    t.is_dated,
    t.origin
from told as t
