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

{#- What the rules say of each question; the most exact rule wins. #}
question_rules as (
    select *
    from (
        select
            q.source as asked_in, q.survey as asked_by, q.question_id as asked_as, r.*,
            row_number() over (
                partition by q.source, q.survey, q.question_id
                order by case when r.source = '*' then 1 else 0 end, case when r.survey is null then 1 else 0 end,
                    case when r.question_id = q.question_id then 0 else 1 end
            ) as rule_no
        from (select distinct source, survey, question_id, question_ref from answers) as q
        inner join {{ ref('questions') }} as r
            on r.source in (q.source, '*') and coalesce(r.survey, q.survey) = q.survey and r.question_id in (q.question_id, q.question_ref)
    ) as m
    where rule_no = 1
),

{#- A hidden id names a ticket or a customer of the answer's own source, else of the only source that has it. #}
ticket_sources as (
    select ticket_id, min(source) as source, count(*) as sources from {{ ref('int_tickets') }} group by ticket_id
),

customer_sources as (
    select user_id, min(source) as source, count(distinct source) as sources from {{ ref('int_users') }} group by user_id
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
        coalesce(own.source, case when other.sources = 1 then other.source end) as ticket_source
    from answers as a
    left join question_rules as s on a.source = s.asked_in and a.survey = s.asked_by and a.question_id = s.asked_as
    left join {{ ref('int_tickets') }} as own on a.source = own.source and a.ticket_id = own.ticket_id
    left join ticket_sources as other on a.ticket_id = other.ticket_id
),

scored as (
    select
        d.*,
        coalesce(d.score between d.from_score and d.to_score, true) as is_in_scale,
        coalesce(
            d.declared_positive,
            case
                when d.to_score - d.from_score = 1 then case when d.direction = 'lower_is_better' then d.from_score else d.to_score end
                when d.direction = 'lower_is_better' then d.from_score + 1
                else d.to_score - 1
            end
        ) as positive_from
    from declared as d
    where d.score is not null
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
),

placed as (
    select
        {{ star_except(['customer_id', 'organization_id'], 'r') }},
        coalesce(r.customer_id, t.customer_id) as customer_id,
        coalesce(t.source, case when c.sources = 1 then c.source end, r.source) as helpdesk,
        t.ticket_organization_id,
        r.organization_id as stated_organization_id,
        {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
        t.field_{{ attribute }},
        t.{{ attribute }} as ticket_{{ attribute }},
        {% endfor %}
        t.channel as ticket_channel,
        t.priority as ticket_priority,
        t.group_id as ticket_group_id,
        t.assignee_id as ticket_assignee_id
    from ranked as r
    left join {{ ref('int_tickets') }} as t on r.ticket_source = t.source and r.ticket_id = t.ticket_id
    left join customer_sources as c on coalesce(r.customer_id, t.customer_id) = c.user_id
    where r.newest_no = 1
      and not coalesce(r.question_type = 'helpdesk_rating' and t.exclusion_reason is not null, false)
),

{#- The customer's organization when the customer answered. #}
affiliated as (
    select p.*, coalesce(p.stated_organization_id, p.ticket_organization_id, u.organization_id) as organization_id
    from placed as p
    left join {{ ref('int_users') }} as u
        on p.helpdesk = u.source and p.customer_id = u.user_id and p.answered_at >= u.valid_from and p.answered_at < u.valid_to
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
    r.customer_id,
    r.ticket_id,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    coalesce(
        r.{{ attribute }}, r.field_{{ attribute }}, o.{{ attribute }}, sc.{{ attribute }}, so.{{ attribute }}, r.ticket_{{ attribute }}
    ) as {{ attribute }},
    {% endfor %}
    coalesce(r.channel, r.ticket_channel) as channel,
    coalesce(r.priority, p.value, r.ticket_priority) as priority,
    coalesce(r.group_id, g.value, r.ticket_group_id) as group_id,
    coalesce(r.agent_id, ag.value, r.ticket_assignee_id) as agent_id,
    r.is_headline
from affiliated as r
left join {{ ref('int_organizations') }} as o
    on r.helpdesk = o.source and r.organization_id = o.organization_id and r.answered_at >= o.valid_from and r.answered_at < o.valid_to
left join {{ ref('segments') }} as sc on r.helpdesk = sc.source and r.customer_id = sc.customer_id
left join {{ ref('segments') }} as so
    on r.helpdesk = so.source and r.organization_id = so.organization_id and so.customer_id is null
{% for alias, kind in [('p', 'priority'), ('g', 'group'), ('ag', 'assignee')] %}
left join {{ ref('int_ticket_spans') }} as {{ alias }}
    on r.ticket_source = {{ alias }}.source and r.ticket_id = {{ alias }}.ticket_id and {{ alias }}.kind = '{{ kind }}'
    and r.answered_at >= {{ alias }}.started_at and r.answered_at < {{ alias }}.held_until
{% endfor %}
