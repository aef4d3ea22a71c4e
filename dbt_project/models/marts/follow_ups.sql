{{ config(meta={
    'next_at': ['min(case when due_at > :as_of then due_at end)', 'min(case when expires_at > :as_of then expires_at end)'],
    'settled_at': 'contacted_at',
    'moving': ['contacted_at', 'contact_kind', 'contact_ticket_id', 'contact_agent_id', 'hours_to_contact', 'outcome', 'next_response_id',
        'next_answered_at', 'next_score', 'score_change', 'is_recovered']
}) }}
{#- Every customer who should hear from us: counted headline answers on the bad side, what was promised, what was done, what came of it. #}
{%- set key = ['source', 'response_id', 'question_id'] -%}
{%- set is_flagged -%}
coalesce(case a.kind when 'nps' then a.nps_class = 'detractor' when 'csat' then not a.is_positive when 'ces' then not a.is_easy end, false)
{%- endset -%}
{#- A customer's answers to one question in order; the helpdesk's own is one question, by whichever of its ways it asks. #}
{%- set same_question -%}
over (
    partition by helpdesk, customer_id, kind, survey, case when survey <> 'helpdesk rating' then question_id end, answered_at is null
    order by answered_at, response_id, question_id
)
{%- endset -%}
with answers as (
    select a.*, {{ is_flagged }} as is_flagged
    from {{ ref('int_answers') }} as a
    where {{ is_counted_answer('a') }} and a.is_headline
),

followed as (
    select
        *,
        {% for column in ['response_id', 'answered_at', 'score', 'scale_min', 'scale_max', 'is_flagged'] %}
        case when customer_id is not null and answered_at is not null then lead({{ column }}) {{ same_question }} end
            as next_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from answers
),

flagged as (select * from followed where is_flagged),

{#- A rule for the segment goes before one for the kind. #}
with_policy as (
    select
        f.*, p.hours, p.is_business_hours, p.horizon_days,
        row_number() over (
            partition by f.source, f.response_id, f.question_id
            order by case when p.segment is null then 1 else 0 end, case when p.kind is null then 1 else 0 end
        ) as policy_no
    from flagged as f
    left join {{ ref('follow_up_policies') }} as p
        on coalesce(p.kind, f.kind) = f.kind and (p.segment is null or p.segment = f.segment)
        and {{ business_date('f.answered_at') }} >= coalesce(p.valid_from, cast({{ the_beginning() }} as date))
        and {{ business_date('f.answered_at') }} < coalesce(p.valid_to, cast({{ the_end() }} as date))
),

{#- Hours of the schedule that the ticket was under when its customer answered, else of the account's default. #}
on_schedules as (
    select
        {% for column in key %}o.{{ column }}, {% endfor %}
        coalesce(s.schedule_key, d.schedule_key) as schedule_key,
        o.answered_until,
        cast(round(o.hours * 3600000000) as bigint) as promised_micros
    from with_policy as o
    left join {{ ref('int_ticket_schedules') }} as s
        on o.ticket_source = s.source and o.ticket_id = s.ticket_id and o.answered_until >= s.valid_from and o.answered_until < s.valid_to
    left join {{ ref('int_default_schedules') }} as d
        on o.helpdesk = d.source and o.answered_until >= d.valid_from and o.answered_until < d.valid_to
    where o.policy_no = 1 and o.is_business_hours
),

due_positions as (
    select s.*, {{ open_micros('a', 's.answered_until') }} + s.promised_micros as due_position
    from on_schedules as s
    inner join {{ ref('int_business_calendar') }} as a
        on s.schedule_key = a.schedule_key and a.utc_date = cast(s.answered_until as date)
        and s.answered_until >= a.starts_at and s.answered_until < a.ends_at
),

business_due as (
    select
        {% for column in key %}s.{{ column }}, {% endfor %}
        min({{ add_micros('b.starts_at', '(s.due_position - b.open_micros_before)') }}) as due_at
    from due_positions as s
    inner join {{ ref('int_business_calendar') }} as b
        on s.schedule_key = b.schedule_key and b.is_open and s.due_position > b.open_micros_before
        and s.due_position <= b.open_micros_before + {{ micros_between('b.starts_at', 'b.ends_at') }}
    group by s.source, s.response_id, s.question_id
),

contacts as (
    {#- A public reply on the rated ticket. #}
    select
        {% for column in key %}f.{{ column }}, {% endfor %}
        1 as contact_no, 'reply' as contact_kind, e.event_at as contacted_at, e.ticket_id as contact_ticket_id, e.actor_id as contact_agent_id
    from flagged as f
    inner join {{ ref('int_ticket_events') }} as e
        on f.ticket_source = e.source and f.ticket_id = e.ticket_id and e.event_at > f.answered_until
    where e.kind = 'comment' and e.is_public and e.actor_role = 'agent' and not e.is_opening
    union all
    {#- A ticket that an agent opened for the customer, not to log a call that came in. #}
    select
        {% for column in key %}f.{{ column }}, {% endfor %}
        2, 'outbound_ticket', e.event_at, e.ticket_id, e.actor_id
    from flagged as f
    inner join {{ ref('int_tickets') }} as t
        on f.helpdesk = t.source and f.customer_id = t.customer_id and t.created_at > f.answered_until and t.exclusion_reason is null
        and (t.is_outgoing or lower(t.channel) not in ('voice', 'phone') or t.channel is null)
    inner join {{ ref('int_ticket_events') }} as e on t.source = e.source and t.ticket_id = e.ticket_id and e.is_opening
    where e.kind = 'comment' and e.is_public and e.actor_role = 'agent'
    union all
    {#- A tag that says so, of a call for instance. #}
    select
        {% for column in key %}f.{{ column }}, {% endfor %}
        3, 'tag', g.tagged_at, g.ticket_id, g.actor_id
    from flagged as f
    inner join {{ ref('int_ticket_tags') }} as g
        on f.ticket_source = g.source and f.ticket_id = g.ticket_id and g.tagged_at > f.answered_until
        and coalesce(g.undated_until <= f.answered_until, true)
),

{#- Tags that may have been put there before the answer or at any time since. #}
undated_contacts as (
    select distinct {% for column in key %}f.{{ column }}{{ ', ' if not loop.last }}{% endfor %}

    from flagged as f
    inner join {{ ref('int_ticket_tags') }} as g
        on f.ticket_source = g.source and f.ticket_id = g.ticket_id and g.tagged_at > f.answered_until and g.undated_until > f.answered_until
),

untold as (
    select source, max(undated_until) as undated_until from {{ ref('int_ticket_tags') }} where undated_until is not null group by source
),

first_contacts as (
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }} order by contacted_at, contact_no, contact_ticket_id, contact_agent_id nulls last
            ) as nth
        from contacts
    ) as c
    where nth = 1
),

judged as (
    select
        o.*,
        case
            when o.is_business_hours then b.due_at
            else {{ add_micros('o.answered_until', 'cast(round(o.hours * 3600000000) as bigint)') }}
        end as due_at,
        c.contact_kind,
        c.contacted_at,
        c.contact_ticket_id,
        c.contact_agent_id,
        u.source is not null as may_be_earlier,
        coalesce(o.answered_until >= t.undated_until, true) as is_told
    from with_policy as o
    left join business_due as b on o.source = b.source and o.response_id = b.response_id and o.question_id = b.question_id
    left join first_contacts as c on o.source = c.source and o.response_id = c.response_id and o.question_id = c.question_id
    left join undated_contacts as u on o.source = u.source and o.response_id = u.response_id and o.question_id = u.question_id
    left join untold as t on coalesce(o.ticket_source, o.helpdesk) = t.source
    where o.policy_no = 1
),

{#- What came in time did so, whatever came before. #}
told as (
    select
        *,
        may_be_earlier and due_at is not null and coalesce(contacted_at > due_at, true) as is_undated
    from judged
)

select
    source,
    response_id,
    question_id,
    survey,
    kind,
    score,
    scale_min,
    scale_max,
    case kind when 'nps' then 'detractor' when 'csat' then 'not_satisfied' else 'not_easy' end as reason,
    answered_at as flagged_at,
    customer_id,
    organization_id,
    ticket_id,
    segment,
    product,
    service_area,
    complexity,
    channel,
    priority,
    group_id,
    agent_id,
    cast(hours as double) as promised_hours,
    is_business_hours,
    due_at,
    {{ add_days('answered_at', 'horizon_days') }} as expires_at,
    {% for column in ['contacted_at', 'contact_kind', 'contact_ticket_id', 'contact_agent_id'] %}
    case when not is_undated then {{ column }} end as {{ column }},
    {% endfor %}
    cast(case when not is_undated then {{ micros_between('answered_at', 'contacted_at') }} end / 3.6e9 as double) as hours_to_contact,
    case
        {#- Nobody can be asked. #}
        when customer_id is null and customer_email_hash is null and ticket_source is null then 'unreachable'
        when due_at is null then 'no_due_time'
        when is_undated then 'contacted_undated'
        when contacted_at <= due_at then 'contacted_in_time'
        when contacted_at is not null then 'contacted_late'
        when {{ add_days('answered_at', 'horizon_days') }} <= {{ as_of() }} then 'expired'
        when due_at <= {{ as_of() }} then 'overdue'
        else 'open'
    end as outcome,
    is_told,
    next_response_id,
    next_answered_at,
    next_score,
    case when scale_min <> next_scale_min or scale_max <> next_scale_max then null else next_score - score end as score_change,
    not next_is_flagged as is_recovered,
    newest_values,
    {{ local_parts('answered_at', 'flagged') }}
from told
