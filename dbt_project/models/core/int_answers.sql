{#- Every rating that a customer gave up to the as-of time, with what its question asks. kind is null for a question that nobody
    has declared. One answer per ticket, survey and question: the latest. #}
with answers as (
    select
        source, response_id, survey, survey_title, question_id, question_ref, question_title, question_type, score, scale_min, scale_max,
        declared_kind, declared_positive_from, declared_direction, answered_at, sent_at, ticket_id, customer_id, organization_id,
        segment, product, service_area, complexity, channel, priority, group_id, agent_id
    from {{ ref('typeform__answers') }}
    union all
    select
        source, response_id, survey, survey_title, question_id, question_ref, question_title, question_type, score, scale_min, scale_max,
        declared_kind, declared_positive_from, declared_direction, answered_at, sent_at, ticket_id, customer_id, organization_id,
        segment, product, service_area, complexity, channel, priority, group_id, agent_id
    from {{ ref('files__answers') }}
    union all
    select
        source, response_id, 'helpdesk rating', 'helpdesk rating', 'rating', 'rating', 'helpdesk rating', 'helpdesk_rating', score, 0e0, 1e0,
        'csat', 1e0, 'higher_is_better', answered_at, sent_at, ticket_id, customer_id, null,
        null, null, null, null, null, null, group_id, agent_id
    from {{ ref('zendesk__ratings') }}
),

{#- A ticket id in a form's hidden field names a ticket of the form's own source, else of the only helpdesk that has it. #}
ticket_ids as (
    select source, ticket_id, count(*) over (partition by ticket_id) as sources from {{ ref('int_tickets') }}
),

declared as (
    select
        a.*,
        coalesce(s.kind, a.declared_kind, case
            when a.question_type = 'nps' then 'nps'
            when a.scale_min = 0 and a.scale_max = 10 and lower(a.question_title) like '%recommend%' then 'nps'
            when a.question_type = 'yes_no' then 'csat'
            when a.question_type in ('rating', 'opinion_scale') and a.scale_max - a.scale_min = 4 then 'csat'
        end) as kind,
        coalesce(s.scale_min, a.scale_min) as from_score,
        coalesce(s.scale_max, a.scale_max) as to_score,
        coalesce(s.direction, a.declared_direction, 'higher_is_better') as direction,
        coalesce(s.positive_from, a.declared_positive_from) as declared_positive,
        coalesce(s.is_headline, true) as is_headline,
        coalesce(own.source, other.source) as ticket_source
    from answers as a
    left join {{ ref('questions') }} as s
        on s.source in (a.source, '*') and (s.survey is null or s.survey = a.survey) and s.question_id in (a.question_id, a.question_ref)
    left join ticket_ids as own on a.ticket_id = own.ticket_id and a.source = own.source
    left join ticket_ids as other on a.ticket_id = other.ticket_id and other.sources = 1 and own.source is null
),

scored as (
    select
        d.*,
        d.score between d.from_score and d.to_score as is_in_scale,
        coalesce(
            d.declared_positive,
            case
                when d.to_score - d.from_score = 1 then case when d.direction = 'lower_is_better' then d.from_score else d.to_score end
                when d.direction = 'lower_is_better' then d.from_score + 1
                else d.to_score - 1
            end
        ) as positive_from
    from declared as d
),

ranked as (
    select
        *,
        case
            when ticket_id is null or not is_in_scale then 1
            else row_number() over (
                partition by source, survey, question_id, ticket_id, is_in_scale order by answered_at desc, response_id desc
            )
        end as newest_no
    from scored
)

select
    r.source,
    r.response_id,
    r.question_id,
    r.survey,
    r.survey_title,
    r.question_title,
    r.question_type,
    r.kind,
    r.score,
    r.from_score as scale_min,
    r.to_score as scale_max,
    r.is_in_scale,
    case when r.kind = 'csat' then case
        when r.direction = 'lower_is_better' then r.score <= r.positive_from else r.score >= r.positive_from
    end end as is_positive,
    case when r.kind = 'nps' then case when r.score >= 9 then 'promoter' when r.score >= 7 then 'passive' else 'detractor' end end as nps_class,
    r.answered_at,
    r.sent_at,
    coalesce(r.customer_id, t.customer_id) as customer_id,
    r.ticket_id,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    coalesce(r.{{ attribute }}, t.field_{{ attribute }}, o.{{ attribute }}, sc.{{ attribute }}, so.{{ attribute }}, t.{{ attribute }}) as {{ attribute }},
    {% endfor %}
    coalesce(r.channel, t.channel) as channel,
    coalesce(r.priority, p.value, t.priority) as priority,
    coalesce(r.group_id, g.value, t.group_id) as group_id,
    coalesce(r.agent_id, ag.value, t.assignee_id) as agent_id,
    r.is_headline
from ranked as r
left join {{ ref('int_tickets') }} as t on r.ticket_source = t.source and r.ticket_id = t.ticket_id
{#- The customer's organization when the customer answered. Forms know customers by the helpdesk's ids. #}
left join (
    select user_id, source, organization_id, valid_from, valid_to, count(distinct source) over (partition by user_id) as sources
    from {{ ref('int_users') }}
) as u
    on u.user_id = coalesce(r.customer_id, t.customer_id) and (u.source = t.source or (t.source is null and u.sources = 1))
    and r.answered_at >= u.valid_from and r.answered_at < u.valid_to
left join {{ ref('int_organizations') }} as o
    on o.source = coalesce(t.source, u.source) and o.organization_id = coalesce(t.ticket_organization_id, u.organization_id)
    and r.answered_at >= o.valid_from and r.answered_at < o.valid_to
left join {{ ref('segments') }} as sc
    on sc.source in (r.source, t.source, u.source) and sc.customer_id = coalesce(r.customer_id, t.customer_id)
left join {{ ref('segments') }} as so
    on so.source in (r.source, t.source, u.source) and so.customer_id is null
    and so.organization_id = coalesce(r.organization_id, t.ticket_organization_id, u.organization_id)
{% for alias, kind in [('p', 'priority'), ('g', 'group'), ('ag', 'assignee')] %}
left join {{ ref('int_ticket_spans') }} as {{ alias }}
    on {{ alias }}.source = t.source and {{ alias }}.ticket_id = t.ticket_id and {{ alias }}.kind = '{{ kind }}'
    and r.answered_at >= {{ alias }}.started_at and ({{ alias }}.ended_at is null or r.answered_at < {{ alias }}.ended_at)
{% endfor %}
where r.newest_no = 1
  and not (r.question_type = 'helpdesk_rating' and t.exclusion_reason is not null)
