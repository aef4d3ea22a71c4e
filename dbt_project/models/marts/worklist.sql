{{ config(meta={'next_at': 'always'}) }}
{#- What asks to be done at the as-of time: a row per ticket, with the most pressing reason; an answer about no ticket is a row too. #}
with reasons as (
    select
        s.source, s.ticket_id, cast(null as varchar) as response_id, s.due_at, s.metric as what,
        case when s.due_at <= {{ as_of() }} then 'promise_broken' else 'promise_due' end as reason
    from {{ ref('sla_targets') }} as s
    where s.ended_at is null and s.outcome in ('active', 'breached') and s.due_at is not null
    union all
    select
        coalesce(a.ticket_source, f.source), a.ticket_id, case when a.ticket_id is null then f.response_id end, f.due_at, f.reason,
        'customer_not_contacted'
    from {{ ref('follow_ups') }} as f
    inner join {{ ref('int_answers') }} as a
        on f.source = a.source and f.response_id = a.response_id and f.question_id = a.question_id
    where f.outcome in ('open', 'overdue')
    union all
    select t.source, t.ticket_id, null, null, b.age_bucket, 'unsolved_for_long'
    from {{ ref('tickets') }} as t
    inner join (
        select age_bucket, from_days, row_number() over (order by from_days desc) as place from {{ ref('age_buckets') }}
    ) as b on b.place = 1
    where {{ is_by_human('t') }} and t.unsolved_age_seconds >= b.from_days * 86400
),

ordered as (
    select
        *,
        coalesce(due_at <= {{ as_of() }}, false) as is_overdue,
        row_number() over (
            partition by source, ticket_id, response_id
            order by coalesce(due_at <= {{ as_of() }}, false) desc, due_at nulls last, reason, what
        ) as reason_no
    from reasons
),

items as (
    select
        source, ticket_id, response_id,
        max(case when reason_no = 1 then reason end) as reason,
        max(case when reason_no = 1 then what end) as what,
        max(case when reason_no = 1 then due_at end) as due_at,
        coalesce(bool_or(is_overdue), false) as is_overdue,
        count(*) as n_reasons
    from ordered
    group by source, ticket_id, response_id
)

select
    i.source,
    case when i.ticket_id is null then 'answer/' || i.response_id else 'ticket/' || i.ticket_id end as item,
    i.ticket_id,
    i.response_id,
    cast(row_number() over (
        order by i.is_overdue desc, i.due_at nulls last, t.created_at nulls last, i.source, i.ticket_id, i.response_id
    ) as bigint) as work_rank,
    i.reason,
    i.what,
    i.n_reasons,
    i.due_at,
    i.is_overdue,
    cast({{ seconds(micros_between(as_of(), 'i.due_at')) }} as double) as seconds_left,
    t.status,
    t.priority,
    t.segment,
    t.channel,
    t.group_id,
    g.group_name,
    t.assignee_id as agent_id,
    t.organization_id,
    o.member_label as organization_name,
    t.created_at,
    t.unsolved_age_seconds,
    t.link
from items as i
left join {{ ref('tickets') }} as t on i.source = t.source and i.ticket_id = t.ticket_id
left join {{ ref('int_groups') }} as g on t.source = g.source and t.group_id = g.group_id
left join {{ ref('int_member_labels') }} as o on o.dimension = 'organization' and t.organization_id = o.member
