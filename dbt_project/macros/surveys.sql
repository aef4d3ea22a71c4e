{#- What answers and sent surveys have in common. #}

{% macro survey_attributes() %}{{ return(['segment', 'product', 'service_area', 'complexity']) }}{% endmacro %}

{% macro locate_survey_rows(rows, key, at) %}
{#- A ticket id names a ticket of the row's own source; else the one of that number elsewhere that the row's customer, its organization and
    its time speak for most, in this order. Where two are left nobody knows. #}
own_tickets as (
    select r.*, t.source as own_source
    from {{ rows }} as r
    left join {{ ref('int_tickets') }} as t on r.source = t.source and r.ticket_id = t.ticket_id
),

spoken_for as (
    select
        {% for column in key %}r.{{ column }}, {% endfor %}
        t.source as ticket_source,
        case when r.customer_id = t.customer_id then 4 else 0 end
        + case when r.organization_id = t.ticket_organization_id then 2 else 0 end
        + case when t.created_at <= {{ at }} then 1 else 0 end as words
    from own_tickets as r
    inner join {{ ref('int_tickets') }} as t on r.ticket_id = t.ticket_id
    where r.own_source is null
),

found_elsewhere as (
    select {{ key | join(', ') }}, min(ticket_source) as ticket_source
    from (select *, max(words) over (partition by {{ key | join(', ') }}) as most_words from spoken_for) as s
    where words = most_words
    group by {{ key | join(', ') }}
    having count(*) = 1
),

located as (
    select {{ star_except(['own_source'], 'r') }}, coalesce(r.own_source, e.ticket_source) as ticket_source
    from own_tickets as r
    left join found_elsewhere as e on {% for column in key %}r.{{ column }} = e.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
)
{% endmacro %}

{% macro place_survey_rows(rows, at, attributes) %}
{%- set found = ['customer_id', 'organization_id', 'channel', 'priority', 'group_id', 'agent_id'] + attributes -%}
{%- set held = {
    'priority': ('priority', 'ticket_priority', 'has_priority_history'), 'group_id': ('group_id', 'ticket_group_id', 'has_group_history'),
    'agent_id': ('assignee_id', 'ticket_assignee_id', 'has_assignee_history')
} -%}
{%- set untold = {} -%}
{%- for column, (then, newest, has_history) in held.items() -%}
{%- do untold.update({column: '(' ~ filled('r.' ~ column) ~ ') is null and r.' ~ newest ~ ' is not null and not coalesce(h.' ~ has_history ~ ', false)'}) -%}
{%- endfor -%}
customer_sources as (
    select user_id, min(source) as source, count(distinct source) as sources from {{ ref('int_users') }} group by user_id
),

about as (
    select
        {{ star_except(['customer_id', 'organization_id'], 'r') }},
        coalesce({{ filled('r.customer_id') }}, t.customer_id) as customer_id,
        coalesce(t.source, case when c.sources = 1 then c.source end, r.source) as helpdesk,
        t.ticket_id is not null as is_ticket_known,
        t.exclusion_reason,
        t.support_type,
        t.ticket_organization_id,
        {{ filled('r.organization_id') }} as stated_organization_id,
        {% for attribute in attributes %}
        t.field_{{ attribute }},
        t.{{ attribute }} as ticket_{{ attribute }},
        {% endfor %}
        t.channel as ticket_channel,
        t.priority as ticket_priority,
        t.group_id as ticket_group_id,
        t.assignee_id as ticket_assignee_id
    from {{ rows }} as r
    left join {{ ref('int_tickets') }} as t on r.ticket_source = t.source and r.ticket_id = t.ticket_id
    left join customer_sources as c on coalesce({{ filled('r.customer_id') }}, t.customer_id) = c.user_id
),

{#- The customer's organization then. #}
affiliated as (
    select r.*, coalesce(r.stated_organization_id, r.ticket_organization_id, u.organization_id) as organization_id
    from about as r
    left join {{ ref('int_users') }} as u
        on r.helpdesk = u.source and r.customer_id = u.user_id and {{ at }} >= u.valid_from and {{ at }} < u.valid_to
),

{#- Whom nobody held then, nobody held; the newest value is taken where there is no history, and that is said. #}
attributed as (
    select
        {{ star_except(found, 'r') }},
        r.customer_id,
        r.organization_id,
        {% for attribute in attributes %}
        coalesce(
            {{ filled('r.' ~ attribute) }}, r.field_{{ attribute }}, o.{{ attribute }}, sc.{{ attribute }}, so.{{ attribute }}, r.ticket_{{ attribute }}
        ) as {{ attribute }},
        {% endfor %}
        coalesce({{ filled('r.channel') }}, r.ticket_channel) as channel,
        {% for column, (then, newest, has_history) in held.items() %}
        coalesce({{ filled('r.' ~ column) }}, case when coalesce(h.{{ has_history }}, false) then h.{{ then }} else r.{{ newest }} end) as {{ column }},
        {% endfor %}
        {{ newest_values(untold) }} as newest_values
    from affiliated as r
    left join {{ ref('int_organizations') }} as o
        on r.helpdesk = o.source and r.organization_id = o.organization_id and {{ at }} >= o.valid_from and {{ at }} < o.valid_to
    left join {{ ref('segments') }} as sc on r.helpdesk = sc.source and r.customer_id = sc.customer_id
    left join {{ ref('segments') }} as so
        on r.helpdesk = so.source and r.organization_id = so.organization_id and so.customer_id is null
    left join {{ ref('int_ticket_states') }} as h
        on r.ticket_source = h.source and r.ticket_id = h.ticket_id and {{ at }} >= h.started_at and {{ at }} < h.held_until
)
{% endmacro %}

{#- What a survey's link carries where nobody filled it in names nobody: a merge tag, the x of the link's own pattern, or a program's word
    for nothing. #}
{% macro filled(x) -%}
case
    when not {{ matches(x, '[{][{!%]|[$][{]|[*][|]|%%|<%') }} and lower(trim({{ x }})) not in ('', 'xxxxx', 'undefined', 'null', 'none', 'nan')
        then {{ x }}
end
{%- endmacro %}

{% macro surveys_left_out(relation) -%}
select source, survey
from (
    select
        q.source, q.survey, r.is_taken,
        row_number() over (
            partition by q.source, q.survey
            order by case when r.survey is null then 1 else 0 end, case when r.source = '*' then 1 else 0 end, r.is_taken
        ) as rule_no
    from (select distinct source, survey from {{ relation }}) as q
    inner join {{ ref('surveys') }} as r on r.source in (q.source, '*') and coalesce(r.survey, q.survey) = q.survey
) as m
where rule_no = 1 and not is_taken
{%- endmacro %}

{% macro asks_to_recommend(title) -%}
{{ matches('lower(' ~ title ~ ')', 'recom+end|recommand|empf[ei]+hl|raccomand|consigl|aanbev|aanraden|rekommend|anbefal|suositt?el|polec|doporu') }}
{%- endmacro %}

{#- Adjectives, from a word's start to its end: neither the unsatisfied nor a talk about satisfaction. #}
{% macro asks_for_satisfaction(title) -%}
{%- set words = [
    'satisf(ied|ying|ait|actor|at[oó]ri|ech|eit)', 'zufrieden(stellend)?\\b', 'tevreden\\b', 'soddisf(att|acent)', 'nöjda?\\b', 'fornøyde?\\b',
    'tilfredse?\\b', 'tyytyväi(nen|siä)', 'zadowolon', 'usatysfakcjon', 'spokoje?n[aioy]?\\b'
] -%}
{{ matches('lower(' ~ title ~ ')', '\\b(' ~ words | join('|') ~ ')') }}
{%- endmacro %}

{#- Words' beginnings: how easy, or how hard. #}
{% macro asks_for_effort(title) -%}
{%- set words = [
    'eas[iey]', 'effort', 'difficult', 'einfach', 'leicht', 'aufw[aä]nd', 'schwierig', 'mühe', 'f[aáà]cil', 'difícil', 'difficil', 'esfuerzo', 'esforço',
    'sforzo', 'simpl', 'gemakkelijk', 'eenvoudig', 'moeite', 'enkel', 'lätt', 'lett', 'nemt?\\b', 'besvær', 'helppo', 'vaiva', 'łatw', 'wysił', 'snadn',
    'jednoduch'
] -%}
{{ matches('lower(' ~ title ~ ')', '(^|[^a-z])(' ~ words | join('|') ~ ')') }}
{%- endmacro %}

{% macro plain_number(x) -%}
case when {{ x }} = floor({{ x }}) and abs({{ x }}) < 1e15 then cast(cast({{ x }} as bigint) as varchar) else cast({{ x }} as varchar) end
{%- endmacro %}

{% macro csv_cell(x) -%}
case when {{ matches(x, '[",\\r\\n]') }} then '"' || replace({{ x }}, '"', '""') || '"' else {{ x }} end
{%- endmacro %}

{% macro is_on_good_side() -%}
case when r.direction = 'lower_is_better' then r.score <= r.positive_from else r.score >= r.positive_from end
{%- endmacro %}

{% macro is_counted_answer(alias) -%}{{ alias }}.left_out is null{%- endmacro %}
