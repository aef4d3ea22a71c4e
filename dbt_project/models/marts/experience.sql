{#- One row per headline answer about a counted ticket, with what the customer had experienced on that ticket by then: what came after the
    answer cannot have moved it. #}
with answers as (
    select
        *,
        case kind
            when 'csat' then case when is_positive then 100 else 0 end
            when 'ces' then case when is_easy then 100 else 0 end
            else case nps_class when 'promoter' then 100 when 'detractor' then -100 else 0 end
        end as points,
        100e0 * (
            case when direction = 'lower_is_better' then scale_max - score else score - scale_min end
            / nullif(scale_max - scale_min, 0)
        ) as score_pct
    from {{ ref('int_answers') }}
    where kind in ('csat', 'nps', 'ces') and is_headline and left_out is null and ticket_source is not null and answered_at is not null
),

asked as (
    select a.source, a.response_id, a.question_id, a.ticket_source, a.ticket_id, a.answered_until from answers as a
),

happened as (
    select
        a.source, a.response_id, a.question_id,
        count(case when s.is_reopening then 1 end) as reopens,
        case when bool_or(s.has_group_history) then count(case when s.is_group_hop then 1 end) end as group_hops
    from asked as a
    inner join {{ ref('int_ticket_states') }} as s
        on a.ticket_source = s.source and a.ticket_id = s.ticket_id and s.started_at <= a.answered_until
    group by a.source, a.response_id, a.question_id
),

promises as (
    select
        a.source, a.response_id, a.question_id,
        count(case when t.outcome = 'breached' then 1 end) as breaches
    from asked as a
    inner join {{ ref('sla_targets') }} as t
        on a.ticket_source = t.source and a.ticket_id = t.ticket_id
        and case t.outcome when 'breached' then t.breached_at when 'met' then t.ended_at end <= a.answered_until
    group by a.source, a.response_id, a.question_id
),

waited as (
    select
        a.*,
        t.created_at,
        coalesce(a.channel, t.channel) as came_by,
        p.breaches,
        case when h.source is null then t.reopens else h.reopens end as reopens,
        h.group_hops,
        {% for wait, end in {'first_reply': 't.first_reply_at', 'resolution': 't.first_solved_at'}.items() %}
        {{ seconds(micros_between('t.created_at', 'case when t.is_timed and ' ~ end ~ ' <= a.answered_until then ' ~ end ~ ' end')) }} as {{ wait }}_seconds
        {{- ',' if not loop.last }}
        {% endfor %}
    from answers as a
    inner join {{ ref('tickets') }} as t on a.ticket_source = t.source and a.ticket_id = t.ticket_id
    left join happened as h on a.source = h.source and a.response_id = h.response_id and a.question_id = h.question_id
    left join promises as p on a.source = p.source and a.response_id = p.response_id and a.question_id = p.question_id
),

bands as (
    select
        wait_band,
        60 * from_minutes as from_seconds,
        coalesce(60 * lead(from_minutes) over (order by from_minutes), 1e18) as to_seconds
    from {{ ref('wait_bands') }}
)

select
    w.source,
    w.response_id,
    w.question_id,
    w.survey,
    w.kind,
    w.score,
    cast(w.points as integer) as points,
    cast(w.score_pct as double) as score_pct,
    w.answered_at,
    w.ticket_source,
    w.ticket_id,
    w.customer_id,
    w.segment,
    w.product,
    w.service_area,
    w.complexity,
    w.priority,
    w.group_id,
    w.agent_id,
    w.came_by as channel,
    w.breaches,
    w.breaches > 0 as is_breached,
    cast(w.first_reply_seconds as double) as first_reply_seconds,
    f.wait_band as first_reply_wait,
    cast(w.resolution_seconds as double) as resolution_seconds,
    r.wait_band as resolution_wait,
    w.reopens,
    w.reopens > 0 as is_reopened,
    w.group_hops
from waited as w
left join bands as f on w.first_reply_seconds >= f.from_seconds and w.first_reply_seconds < f.to_seconds
left join bands as r on w.resolution_seconds >= r.from_seconds and w.resolution_seconds < r.to_seconds
