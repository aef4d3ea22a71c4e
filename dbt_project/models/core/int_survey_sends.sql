{%- set stated = ['organization_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id'] -%}
{%- set columns = ['source', 'invitation_id', 'survey', 'is_helpdesk', 'ticket_id', 'customer_id', 'sent_at', 'answered_at', 'delivery'] + stated -%}
with told as ({{ united('survey_sends', columns) }}),

{#- Helpdesks say themselves which answer is whose. #}
invitations as (
    select *, coalesce(lead(sent_at) over (partition by source, survey, about order by sent_at, invitation_id), {{ the_end() }}) as next_sent_at
    from (
        select
            t.*,
            {#- What an answer has in common with its invitation, where it has not its id. #}
            case when t.ticket_id is not null then 'ticket ' || t.ticket_id else 'customer ' || t.customer_id end as about
        from told as t
        where not t.is_helpdesk
    ) as i
),

responses as (
    select source, survey, response_id, max(ticket_id) as ticket_id, max(customer_id) as customer_id, min(answered_at) as answered_at
    from {{ ref('int_answers') }}
    where is_in_scale
    group by source, survey, response_id
),

{#- The invitation that an answer belongs to: that with its id, else about the same ticket, else to the same customer, the last before it. #}
matches as (
    select i.source, i.survey, i.invitation_id, r.response_id, r.answered_at, 1 as link_no
    from invitations as i
    inner join responses as r on i.source = r.source and i.survey = r.survey and i.invitation_id = r.response_id
    {% for link in ['ticket', 'customer'] %}
    union all
    select i.source, i.survey, i.invitation_id, r.response_id, r.answered_at, {{ loop.index + 1 }} as link_no
    from invitations as i
    inner join responses as r
        on i.source = r.source and i.survey = r.survey and i.about = '{{ link }} ' || r.{{ link }}_id
        and r.answered_at >= i.sent_at and r.answered_at < i.next_sent_at
    {% endfor %}
),

matched as (
    select source, survey, invitation_id, min(answered_at) as answered_at
    from (select *, row_number() over (partition by source, survey, response_id order by link_no, invitation_id) as match_no from matches) as m
    where match_no = 1
    group by source, survey, invitation_id
),

sends as (
    select
        t.source,
        t.invitation_id,
        t.survey,
        t.is_helpdesk,
        t.ticket_id,
        t.customer_id,
        t.sent_at,
        case when t.is_helpdesk or t.answered_at <= {{ as_of() }} then t.answered_at else m.answered_at end as answered_at,
        case
            when t.is_helpdesk then t.answered_at is not null
            else coalesce(t.answered_at <= {{ as_of() }}, false) or m.invitation_id is not null
        end as is_answered,
        t.delivery,
        {% for column in stated %}
        t.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from told as t
    left join matched as m on t.source = m.source and t.survey = m.survey and t.invitation_id = m.invitation_id
),

policies as (
    select *
    from (
        select
            q.source as asked_in, q.survey as asked_by, p.answer_window_days, p.min_days_between,
            row_number() over (
                partition by q.source, q.survey
                order by case when p.source = '*' then 1 else 0 end, case when p.survey is null then 1 else 0 end
            ) as policy_no
        from (select distinct source, survey from sends) as q
        inner join {{ ref('survey_policies') }} as p on p.source in (q.source, '*') and coalesce(p.survey, q.survey) = q.survey
    ) as m
    where policy_no = 1
),

{{ place_survey_rows('sends', 'r.sent_at', survey_attributes()) }},

{#- The solve that a survey followed. #}
solves as (
    select r.source, r.survey, r.invitation_id, max(s.started_at) as solved_at
    from attributed as r
    inner join {{ ref('int_ticket_spans') }} as s on r.ticket_source = s.source and r.ticket_id = s.ticket_id
    where s.kind = 'status' and s.value in ('solved', 'closed') and s.is_time_known and s.started_at <= r.sent_at
      and (s.previous_value is null or s.previous_value not in ('solved', 'closed'))
    group by r.source, r.survey, r.invitation_id
),

counted as (
    select
        r.*,
        lag(r.sent_at) over (partition by r.helpdesk, r.customer_id order by r.sent_at, r.source, r.invitation_id) as previous_sent_at
    from attributed as r
    where not (r.is_helpdesk and r.ticket_id is not null and (not r.is_ticket_known or r.exclusion_reason is not null))
)

select
    r.source,
    r.invitation_id,
    r.survey,
    r.helpdesk,
    r.ticket_source,
    r.ticket_id,
    r.customer_id,
    r.organization_id,
    r.sent_at,
    case when r.delivery is not null then r.delivery = 'delivered' end as is_delivered,
    {{ time_since('r.sent_at', 'r.answered_at') }} as answered_at,
    {{ is_misdated('r.answered_at', 'r.sent_at') }} as is_answer_misdated,
    r.is_answered,
    s.solved_at,
    case when r.customer_id is not null then r.previous_sent_at end as previous_sent_at,
    coalesce(
        r.customer_id is not null
        and {{ micros_between('r.previous_sent_at', 'r.sent_at') }} < p.min_days_between * 86400000000, false
    ) as is_too_soon,
    not r.is_answered and {{ micros_between('r.sent_at', as_of()) }} < coalesce(p.answer_window_days, 0) * 86400000000 as is_awaited,
    {% for attribute in survey_attributes() %}
    r.{{ attribute }},
    {% endfor %}
    r.channel,
    r.priority,
    r.group_id,
    r.agent_id
from counted as r
left join solves as s on r.source = s.source and r.survey = s.survey and r.invitation_id = s.invitation_id
left join policies as p on r.source = p.asked_in and r.survey = p.asked_by
