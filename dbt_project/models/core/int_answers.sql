{{ config(meta={'next_at': 'horizon'}) }}
{%- set columns = [
    'stream_key', 'source', 'response_id', 'survey', 'survey_title', 'question_id', 'question_ref', 'question_title', 'question_type', 'is_helpdesk',
    'score', 'original_answer', 'scale_min', 'scale_max', 'declared_kind', 'declared_positive_from', 'declared_direction', 'is_good', 'is_edited',
    'lacks', 'row_order', 'answered_at', 'answered_until', 'sent_at', 'ticket_id', 'customer_id', 'customer_email_hash', 'organization_id',
    'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id', 'dimensions', 'reason'
] -%}
{#- A day without a time lasts until its end. -#}
{%- set at = 'least(r.answered_until, ' ~ as_of() ~ ')' -%}
{#- A rule or its type may declare a question that no definition has. #}
{%- set is_given = "coalesce(lacks, 'question not in the definition') = 'question not in the definition'" -%}
{#- What cannot count takes no other answer's place. #}
{%- set to_one_question = 'partition by source, survey, question_id, ticket_source, ticket_id, is_in_scale, problem is null, ' ~ is_given -%}
with answers as ({{ united('answers', columns) }}),

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

declared as (
    select
        {{ star_except(['is_good'], 'a') }},
        {#- What can be nothing else counts by itself. #}
        coalesce(s.kind, a.declared_kind, case when a.question_type = 'nps' then 'nps' end) as said_kind,
        coalesce(s.scale_min, a.scale_min) as from_score,
        coalesce(s.scale_max, a.scale_max) as to_score,
        coalesce(s.direction, a.declared_direction) as said_direction,
        coalesce(s.positive_from, a.declared_positive_from) as said_positive,
        {#- A rule goes before the helpdesk's own word. #}
        case when s.positive_from is null then a.is_good end as is_good,
        coalesce(s.is_headline, true) as is_headline
    from answers as a
    left join question_rules as s on a.source = s.asked_in and a.survey = s.asked_by and a.question_id = s.asked_as
),

judged as (
    select
        *,
        case
            when said_kind is null and question_type in ('rating', 'opinion_scale') and (from_score is null or to_score is null)
                then 'its kind is not declared, its scale is not declared'
            when said_kind is null then 'its kind is not declared'
            when score is null then 'its answers have no scores'
            when said_kind = 'nps' and (coalesce(scale_min, from_score) is null or coalesce(scale_max, to_score) is null)
                then 'its scale is not declared'
            {#- The form's own scale decides: an answer on 1 to 5 is no NPS, whatever is declared. #}
            when said_kind = 'nps' and (coalesce(scale_min, from_score) is distinct from 0 or coalesce(scale_max, to_score) is distinct from 10)
                then 'NPS needs a scale of 0 to 10'
            when said_kind = 'ces' and said_direction is null then 'CES needs a declared direction'
            when said_kind in ('csat', 'ces') and is_good is null and said_positive is null and (from_score is null or to_score is null)
                then 'its scale is not declared'
        end as problem,
        {#- What it looks like; a person decides. #}
        case
            when said_kind is not null then null
            when from_score = 0 and to_score = 10 and {{ asks_to_recommend('question_title') }} then 'nps'
            when question_type = 'yes_no' and {{ asks_for_satisfaction('question_title') }} then 'csat'
            {#- Of effort only a person can say which end is the easy one. #}
            when {{ asks_for_effort('question_title') }} or {{ asks_to_recommend('question_title') }} then null
            when question_type in ('rating', 'opinion_scale') and to_score - from_score = 4 then 'csat'
        end as proposed_kind,
        coalesce(said_direction, 'higher_is_better') as direction,
        said_kind is not null or from_score is not null or is_helpdesk or question_type in ('rating', 'opinion_scale') as is_rating,
        coalesce(score between from_score and to_score, true) as is_in_scale,
        coalesce(said_positive, case
            {#- Effort: what lies on the easy side of the middle. #}
            when said_kind = 'ces' and said_direction = 'lower_is_better' then ceil((from_score + to_score) / 2) - 1
            when said_kind = 'ces' then floor((from_score + to_score) / 2) + 1
            {#- Satisfaction: the top two, of two or three points the top one. #}
            when said_direction = 'lower_is_better' then from_score + case when to_score - from_score <= 2 then 0 else 1 end
            else to_score - case when to_score - from_score <= 2 then 0 else 1 end
        end) as positive_from
    from declared
),

left_surveys as ({{ surveys_left_out('answers') }}),

{{ locate_survey_rows('judged', ['source', 'response_id', 'question_id'], at) }},

{#- Of several about one ticket the latest; an id that names no ticket makes no two answers one. #}
ranked as (
    select
        *,
        case when problem is null then said_kind end as kind,
        case
            when ticket_source is null or not is_in_scale or not {{ is_given }} then true
            else row_number() over (
                {{ to_one_question }}
                order by answered_at desc nulls last, row_order desc nulls last, try_cast(response_id as hugeint) desc nulls last, response_id desc
            ) = 1
        end as is_latest,
        is_edited or (
            ticket_source is not null
            and min(score) over ({{ to_one_question }}) <> max(score) over ({{ to_one_question }})
        ) as is_changed
    from located
),

{{ place_survey_rows('ranked', at, survey_attributes()) }}

select
    r.stream_key,
    r.source,
    r.response_id,
    r.question_id,
    r.survey,
    r.survey_title,
    r.question_title,
    r.question_type,
    r.kind,
    r.problem,
    r.proposed_kind,
    {#- Why it does not count. #}
    case
        when l.survey is not null then 'form left out'
        when r.lacks <> 'question not in the definition' then r.lacks
        when r.is_helpdesk and r.ticket_id is not null and not r.is_ticket_known then 'ticket never landed'
        when r.is_helpdesk and r.exclusion_reason is not null then 'excluded ticket'
        when r.kind is null then coalesce(r.lacks, 'not declared')
        when not r.is_in_scale then 'off scale'
        when not r.is_latest then 'superseded'
    end as left_out,
    r.is_rating,
    r.score,
    coalesce(r.original_answer, {{ plain_number('r.score') }}) as original_answer,
    r.from_score as scale_min,
    r.to_score as scale_max,
    r.direction,
    r.is_in_scale,
    r.is_latest,
    r.is_changed,
    case when r.kind = 'csat' then coalesce(r.is_good, {{ is_on_good_side() }}) end as is_positive,
    case when r.kind = 'ces' then {{ is_on_good_side() }} end as is_easy,
    case when r.kind = 'nps' then case when r.score >= 9 then 'promoter' when r.score >= 7 then 'passive' else 'detractor' end end as nps_class,
    case
        when r.kind = 'nps' then 'promoter from 9, detractor to 6'
        when r.kind = 'csat' and r.is_good is not null then 'positive as the helpdesk says'
        when r.kind in ('csat', 'ces') then
            case r.kind when 'csat' then 'positive ' else 'easy ' end
            || case r.direction when 'lower_is_better' then 'to ' else 'from ' end || {{ plain_number('r.positive_from') }}
    end as rule,
    r.answered_at,
    r.answered_until,
    case
        when {{ is_misdated('r.answered_until', 'r.sent_at') }} then null
        when r.sent_at > r.answered_at then r.answered_at
        else r.sent_at
    end as sent_at,
    {{ is_misdated('r.answered_until', 'r.sent_at') }} as is_sent_misdated,
    r.customer_id,
    r.customer_email_hash,
    r.organization_id,
    r.helpdesk,
    r.ticket_source,
    r.ticket_id,
    case when r.ticket_id is not null then r.is_ticket_known end as is_ticket_known,
    r.newest_values,
    r.dimensions,
    {% for attribute in survey_attributes() %}
    r.{{ attribute }},
    {% endfor %}
    r.reason,
    r.support_type,
    r.channel,
    r.priority,
    r.group_id,
    r.agent_id,
    r.is_headline
from attributed as r
left join left_surveys as l on r.source = l.source and r.survey = l.survey
