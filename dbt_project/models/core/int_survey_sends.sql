{{ config(meta={'next_at': 'min(case when awaited_until > :as_of then awaited_until end)'}) }}
{%- set stated = ['organization_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id'] -%}
{%- set columns = ['source', 'invitation_id', 'survey', 'is_helpdesk', 'ticket_id', 'customer_id', 'customer_email_hash', 'sent_at', 'answered_at',
    'delivery'] + stated -%}
with given as (
    select
        {{ star_except(['ticket_id', 'customer_id'], 's') }},
        {{ filled('s.ticket_id') }} as ticket_id,
        {{ filled('s.customer_id') }} as customer_id,
        coalesce({{ filled('s.customer_id') }}, s.customer_email_hash) as person
    from ({{ united('survey_sends', columns) }}) as s
),

left_surveys as ({{ surveys_left_out('given') }}),

told as (select * from given where not coalesce((source, survey) in (select l.source, l.survey from left_surveys as l), false)),

policies as (
    select *
    from (
        select
            q.source as asked_in, q.survey as asked_by, p.answer_window_days, p.min_days_between, p.reminder_days,
            row_number() over (
                partition by q.source, q.survey
                order by case when p.source = '*' then 1 else 0 end, case when p.survey is null then 1 else 0 end
            ) as policy_no
        from (select distinct source, survey from told) as q
        inner join {{ ref('survey_policies') }} as p on p.source in (q.source, '*') and coalesce(p.survey, q.survey) = q.survey
    ) as m
    where policy_no = 1
),

{#- The same survey to the same customer again, about the same ticket or none, soon after: a reminder of the send before. #}
numbered as (
    select
        *,
        sum(case when is_reminder then 0 else 1 end) over (
            partition by source, survey, person, ticket_id order by sent_at, invitation_id rows between unbounded preceding and current row
        ) as send_no
    from (
        select
            t.*,
            coalesce(
                not t.is_helpdesk and t.person is not null and {{ micros_between(
                    'lag(t.sent_at) over (partition by t.source, t.survey, t.person, t.ticket_id order by t.sent_at, t.invitation_id)', 't.sent_at'
                ) }} < p.reminder_days * 86400000000, false
            ) as is_reminder
        from told as t
        left join policies as p on t.source = p.asked_in and t.survey = p.asked_by
    ) as r
),

reminded as (
    select
        {{ star_except(['answered_at'], 'n') }},
        first_value(n.invitation_id) over (
            partition by n.source, n.survey, n.person, n.ticket_id, n.send_no order by n.sent_at, n.invitation_id
        ) as first_invitation_id,
        min(n.answered_at) over (partition by n.source, n.survey, n.person, n.ticket_id, n.send_no) as answered_at,
        count(case when n.is_reminder then 1 end) over (partition by n.source, n.survey, n.person, n.ticket_id, n.send_no) as reminders
    from numbered as n
),

firsts as (select * from reminded where not is_reminder),

responses as (
    select
        source, survey, response_id, max({{ filled('ticket_id') }}) as ticket_id, max(customer_id) as customer_id,
        max(customer_email_hash) as customer_email_hash, min(answered_at) as answered_at, min(answered_until) as answered_until
    from {{ ref('int_answers') }}
    where is_in_scale and left_out is distinct from 'deleted' and left_out is distinct from 'partial'
    group by source, survey, response_id
),

{#- The invitation that an answer belongs to: that with its id, else about the same ticket, else to the same customer, else to the same
    address, about no other ticket, the last before it. Two files may count from one each: an id that is another customer's goes last.
    Helpdesks say themselves which answer is whose. #}
matches as (
    select
        i.source, i.survey, i.first_invitation_id as invitation_id, i.sent_at, r.response_id,
        case when r.answered_until < i.sent_at then r.answered_at else greatest(r.answered_at, i.sent_at) end as answered_at,
        case when i.ticket_id <> r.ticket_id or i.customer_id <> r.customer_id then 5 else 1 end as link_no
    from reminded as i
    inner join responses as r on i.source = r.source and i.survey = r.survey and i.invitation_id = r.response_id
    where not i.is_helpdesk
    {% for link in ['ticket_id', 'customer_id', 'customer_email_hash'] %}
    union all
    select i.source, i.survey, i.invitation_id, i.sent_at, r.response_id, greatest(r.answered_at, i.sent_at), {{ loop.index + 1 }}
    from (
        select
            *, coalesce(lead(sent_at) over (partition by source, survey, {{ link }} order by sent_at, invitation_id), {{ the_end() }}) as next_sent_at
        from firsts
        where not is_helpdesk
    ) as i
    inner join responses as r
        on i.source = r.source and i.survey = r.survey and i.{{ link }} = r.{{ link }}
        and r.answered_until >= i.sent_at and r.answered_at < i.next_sent_at and coalesce(i.ticket_id = r.ticket_id, true)
    {% endfor %}
),

matched as (
    select source, survey, invitation_id, min(answered_at) as answered_at
    from (select *, row_number() over (partition by source, survey, response_id order by link_no, sent_at desc, invitation_id) as match_no from matches) as m
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
        t.person,
        t.sent_at,
        t.reminders,
        case when t.is_helpdesk or t.answered_at <= {{ as_of() }} then t.answered_at else m.answered_at end as answered_at,
        case
            when t.is_helpdesk then t.answered_at is not null
            else coalesce(t.answered_at <= {{ as_of() }}, false) or m.invitation_id is not null
        end as is_answered,
        t.delivery,
        {% for column in stated %}
        t.{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from firsts as t
    left join matched as m on t.source = m.source and t.survey = m.survey and t.invitation_id = m.invitation_id
),

{{ locate_survey_rows('sends', ['source', 'survey', 'invitation_id'], 'r.sent_at') }},

{{ place_survey_rows('located', 'r.sent_at', survey_attributes()) }},

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
        lag(r.sent_at) over (partition by r.helpdesk, coalesce(r.customer_id, r.person) order by r.sent_at, r.source, r.invitation_id) as previous_sent_at
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
    r.reminders,
    r.newest_values,
    case when r.delivery is not null then r.delivery = 'delivered' end as is_delivered,
    {{ time_since('r.sent_at', 'r.answered_at') }} as answered_at,
    {{ is_misdated('r.answered_at', 'r.sent_at') }} as is_answer_misdated,
    r.is_answered,
    s.solved_at,
    case when coalesce(r.customer_id, r.person) is not null then r.previous_sent_at end as previous_sent_at,
    coalesce(
        coalesce(r.customer_id, r.person) is not null
        and {{ micros_between('r.previous_sent_at', 'r.sent_at') }} < p.min_days_between * 86400000000, false
    ) as is_too_soon,
    not r.is_answered and {{ micros_between('r.sent_at', as_of()) }} < coalesce(p.answer_window_days, 0) * 86400000000 as is_awaited,
    case when not r.is_answered then {{ add_micros('r.sent_at', 'coalesce(p.answer_window_days, 0) * 86400000000') }} end as awaited_until,
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
