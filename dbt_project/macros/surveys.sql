{#- What answers and sent surveys have in common. #}

{% macro survey_attributes() %}{{ return(['segment', 'product', 'service_area', 'complexity']) }}{% endmacro %}

{% macro place_survey_rows(rows, at, attributes) %}
{%- set found = ['customer_id', 'organization_id', 'channel', 'priority', 'group_id', 'agent_id'] + attributes -%}
{#- A hidden id names a ticket or a customer of the row's own source, else of the only source that has it. #}
ticket_sources as (
    select ticket_id, min(source) as source, count(*) as sources from {{ ref('int_tickets') }} group by ticket_id
),

customer_sources as (
    select user_id, min(source) as source, count(distinct source) as sources from {{ ref('int_users') }} group by user_id
),

located as (
    select r.*, coalesce(own.source, case when other.sources = 1 then other.source end) as ticket_source
    from {{ rows }} as r
    left join {{ ref('int_tickets') }} as own on r.source = own.source and r.ticket_id = own.ticket_id
    left join ticket_sources as other on r.ticket_id = other.ticket_id
),

about as (
    select
        {{ star_except(['customer_id', 'organization_id'], 'r') }},
        coalesce(r.customer_id, t.customer_id) as customer_id,
        coalesce(t.source, case when c.sources = 1 then c.source end, r.source) as helpdesk,
        t.ticket_id is not null as is_ticket_known,
        t.exclusion_reason,
        t.support_type,
        t.ticket_organization_id,
        r.organization_id as stated_organization_id,
        {% for attribute in attributes %}
        t.field_{{ attribute }},
        t.{{ attribute }} as ticket_{{ attribute }},
        {% endfor %}
        t.channel as ticket_channel,
        t.priority as ticket_priority,
        t.group_id as ticket_group_id,
        t.assignee_id as ticket_assignee_id
    from located as r
    left join {{ ref('int_tickets') }} as t on r.ticket_source = t.source and r.ticket_id = t.ticket_id
    left join customer_sources as c on coalesce(r.customer_id, t.customer_id) = c.user_id
),

{#- The customer's organization then. #}
affiliated as (
    select r.*, coalesce(r.stated_organization_id, r.ticket_organization_id, u.organization_id) as organization_id
    from about as r
    left join {{ ref('int_users') }} as u
        on r.helpdesk = u.source and r.customer_id = u.user_id and {{ at }} >= u.valid_from and {{ at }} < u.valid_to
),

attributed as (
    select
        {{ star_except(found, 'r') }},
        r.customer_id,
        r.organization_id,
        {% for attribute in attributes %}
        coalesce(
            r.{{ attribute }}, r.field_{{ attribute }}, o.{{ attribute }}, sc.{{ attribute }}, so.{{ attribute }}, r.ticket_{{ attribute }}
        ) as {{ attribute }},
        {% endfor %}
        coalesce(r.channel, r.ticket_channel) as channel,
        coalesce(r.priority, p.value, r.ticket_priority) as priority,
        coalesce(r.group_id, g.value, r.ticket_group_id) as group_id,
        coalesce(r.agent_id, ag.value, r.ticket_assignee_id) as agent_id
    from affiliated as r
    left join {{ ref('int_organizations') }} as o
        on r.helpdesk = o.source and r.organization_id = o.organization_id and {{ at }} >= o.valid_from and {{ at }} < o.valid_to
    left join {{ ref('segments') }} as sc on r.helpdesk = sc.source and r.customer_id = sc.customer_id
    left join {{ ref('segments') }} as so
        on r.helpdesk = so.source and r.organization_id = so.organization_id and so.customer_id is null
    {% for alias, kind in [('p', 'priority'), ('g', 'group'), ('ag', 'assignee')] %}
    left join {{ ref('int_ticket_spans') }} as {{ alias }}
        on r.ticket_source = {{ alias }}.source and r.ticket_id = {{ alias }}.ticket_id and {{ alias }}.kind = '{{ kind }}'
        and {{ at }} >= {{ alias }}.started_at and {{ at }} < {{ alias }}.held_until
    {% endfor %}
)
{% endmacro %}

{% macro plain_number(x) -%}
case when {{ x }} = floor({{ x }}) and abs({{ x }}) < 1e15 then cast(cast({{ x }} as bigint) as varchar) else cast({{ x }} as varchar) end
{%- endmacro %}

{% macro is_on_good_side() -%}
case when r.direction = 'lower_is_better' then r.score <= r.positive_from else r.score >= r.positive_from end
{%- endmacro %}

{% macro is_counted_answer(alias) -%}
{{ alias }}.kind is not null and {{ alias }}.is_in_scale and {{ alias }}.is_latest
{%- endmacro %}
