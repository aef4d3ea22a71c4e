{{ config(meta={'next_at': 'touched'}) }}
{#- Due times and verdicts as the vendor tells them. What it calls escalated is late, whatever else is missing. #}
with versions as (
    select
        v.*,
        {{ freshdesk_status('v.status_code', 's.status') }} as status,
        case when v.changed_at <= {{ as_of() }} then 1 else 0 end as is_by_now,
        row_number() over (partition by v.source, v.record_id order by {{ in_force_first('v.changed_at') }}, v.fetched_at desc, v.list_no desc) as version_no
    from {{ ref('freshdesk__ticket_versions') }} as v
    left join {{ ref('freshdesk__statuses') }} as s on v.source = s.source and v.status_code = s.code
    where v.created_at is not null and {{ is_touched('v', 'record_id') }}
),

tickets as (
    select *, case when status in ('solved', 'closed') then coalesce(vendor_resolved_at, vendor_closed_at) end as solved_at
    from versions
    where version_no = 1
),

{#- A due time of later replies stands for one question; the next one takes its place. #}
questions as (
    select
        v.source, v.record_id, v.nr_due_by, coalesce(v.vendor_requester_responded_at, v.changed_at) as applied_at,
        bool_or(v.nr_escalated) as is_escalated, max(v.status) as status
    from versions as v
    where v.nr_due_by is not null and v.is_by_now = 1
    group by v.source, v.record_id, v.nr_due_by, coalesce(v.vendor_requester_responded_at, v.changed_at)
),

answered as (
    select
        q.source, q.record_id, q.nr_due_by, q.applied_at, q.is_escalated, q.status,
        least(
            min(case when v.vendor_agent_responded_at > q.applied_at then v.vendor_agent_responded_at end),
            min(case when v.vendor_resolved_at > q.applied_at then v.vendor_resolved_at end)
        ) as ended_at,
        row_number() over (partition by q.source, q.record_id, q.applied_at order by q.nr_due_by desc) as due_no
    from questions as q
    inner join versions as v on q.source = v.source and q.record_id = v.record_id
    group by q.source, q.record_id, q.nr_due_by, q.applied_at, q.is_escalated, q.status
),

targets as (
    {#- A solve ends the wait for a first reply. #}
    select
        source, record_id, 'first_reply' as metric, created_at as applied_at, fr_due_by as due_at,
        coalesce(vendor_first_responded_at, solved_at) as ended_at, fr_escalated as is_escalated, status
    from tickets
    where fr_due_by is not null or fr_escalated
    union all
    select source, record_id, 'total_resolution', created_at, due_by, solved_at, is_escalated, status
    from tickets
    where due_by is not null or is_escalated
    union all
    select source, record_id, 'next_reply', applied_at, nr_due_by, ended_at, is_escalated, status
    from answered
    where due_no = 1
),

{#- While a ticket waits for somebody else its clock stands still, and its due time comes only when it runs again. #}
judged as (
    select
        *,
        status in ('pending', 'hold') and not coalesce(is_escalated, false) and coalesce(ended_at > {{ as_of() }}, true) and due_at < {{ as_of() }}
            as is_paused
    from targets
)

select
    source,
    record_id as ticket_id,
    metric,
    applied_at,
    case when not is_paused then due_at end as due_at,
    ended_at,
    case when is_escalated then 'breached' when is_paused then 'active' end as verdict,
    false as is_end_unusable
from judged
