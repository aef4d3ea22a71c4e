{{ config(materialized='table') }}
{#- How much of what there is we can give, by cell. A number of a ticket is as well known as the worse of its clocks; the codes are places in
    completeness_states. #}
{%- set states = completeness_states() -%}
{%- set code = {} -%}
{%- for state in states -%}{%- do code.update({state: loop.index0}) -%}{%- endfor -%}
{%- set pairs = {} -%}
{%- for column, measure, clock, ours in compared_numbers() -%}
{%- set pair = measure ~ '_' ~ clock -%}
{%- if pair not in pairs -%}
{%- do pairs.update({pair: {'measure': measure, 'clock': clock, 'ours': ours, 'columns': []}}) -%}
{%- endif -%}
{%- do pairs[pair].columns.append(column) -%}
{%- endfor -%}
{%- set counts = ['public_agent_replies', 'reopens', 'group_hops', 'assignee_hops'] -%}
{%- set lasting = ['first_reply', 'next_reply', 'first_assignment', 'first_resolution'] -%}
{%- set waits = ['requester_wait', 'agent_wait', 'on_hold', 'agent_work'] -%}
{%- set origins = {
    'first_reply': 't.first_reply_origin', 'first_assignment': 't.first_assigned_origin', 'first_resolution': 't.first_solved_origin',
    'full_resolution': 't.last_solved_origin',
    'requester_wait': 't.waits_origin', 'agent_wait': 't.waits_origin', 'on_hold': 't.waits_origin',
    'agent_work': 't.waits_origin', 'public_agent_replies': "case when m.has_untold_replies then 'vendor' end"
} -%}
{#- Who has raised priorities has a history. #}
{%- for measure in ['reopens', 'group_hops', 'assignee_hops'] -%}
{%- do origins.update({measure: "case when m.priority_raises is null and i.declared_reopens is null then 'vendor' end"}) -%}
{%- endfor -%}
{#- Where the vendor says without a number that there is one, and where there is one or may be, though nobody says so. #}
{%- set is_missing = {
    'first_reply': 'm.has_untold_replies', 'first_assignment': 'i.told_first_assigned_at is not null', 'first_resolution': 'i.told_first_solved_at is not null',
    'full_resolution': 't.is_solved and i.told_last_solved_at is not null'
} -%}
{%- set is_unknown = {
    'first_reply': 'm.has_lost_reply or t.public_agent_replies > 0'
        ~ ' or not (e.source is not null or coalesce(v.public_agent_replies_none, 0) > 0 or i.declares_first_reply)',
    'next_reply': 'm.has_untold_replies and t.public_agent_replies > 1', 'first_assignment': 't.assignee_id is not null',
    'agent_wait': 't.is_solved and t.waits_origin is null', 'on_hold': 't.is_solved and t.waits_origin is null'
} -%}
{%- for measure in counts -%}{%- do is_unknown.update({measure: 'true'}) -%}{%- endfor -%}
with told as (
    select
        source, ticket_id
        {% for pair, of in pairs.items() %}
        , count({{ of['columns'] | join(') + count(') }}) as {{ pair }}
        {% endfor %}
    from {{ ref('int_vendor_numbers') }}
    group by source, ticket_id
),

{#- A first or next reply, assignment or solve and what was counted stay, whatever comes later. Of what the vendor says that there was none,
    none is missing. #}
differing as (
    select
        source, ticket_id, measure || '_' || clock as pair, theirs,
        case
            when ours is null and theirs = 0 and measure in ('{{ (counts + waits) | join("', '") }}') and reason in ('unexplained', 'missing_history')
                then null
            when ours is null and reason = 'unexplained' then {{ code['missing'] }}
            when ours is null and reason = 'later_events' and measure in ('{{ (counts + lasting) | join("', '") }}')
                then {{ code['missing'] }}
            when reason = 'missing_history' then {{ code['missing'] }}
            when reason = 'unexplained' then {{ code['unexplained'] }}
            else {{ code['explained'] }}
        end as state
    from {{ ref('reconciliation') }}
),

gaps as (
    select
        source, ticket_id
        {% for pair in pairs %}
        , max(case when pair = '{{ pair }}' then state end) as {{ pair }}
        , count(case when pair = '{{ pair }}' then theirs end) as {{ pair }}_differing
        {% endfor %}
    from differing
    group by source, ticket_id
),

with_events as (select distinct source, ticket_id from {{ ref('int_ticket_events') }} where origin = 'events'),

next_replies as (
    select source, ticket_id, sum(seconds) as calendar_seconds, sum(business_seconds) as business_seconds
    from {{ ref('ticket_replies') }}
    where not is_first_reply and waits_from is not null and replied_at is not null
    group by source, ticket_id
),

stated as (
    select
        t.source,
        t.ticket_id,
        coalesce(t.channel, '(none)') as channel,
        coalesce(t.support_type, '(none)') as support_type,
        cast(date_trunc('month', {{ business_date('t.created_at') }}) as date) as month,
        e.source is not null as has_events
        {% for pair, of in pairs.items() %}
        , case
            {% if of.measure not in counts %}
            when not t.is_timed then null
            {% endif %}
            {% if of.measure in origins %}
            when {{ of.ours }} is not null and {{ origins[of.measure] }} = 'vendor' then {{ code['from_vendor'] }}
            {% endif %}
            when {{ of.ours }} is not null and v.{{ pair }} > coalesce(g.{{ pair }}_differing, 0) then {{ code['confirmed'] }}
            when {{ of.ours }} is not null then coalesce(g.{{ pair }}, {{ code['unconfirmed'] }})
            {#- Business time needs a schedule: where there is none, calendar time tells. #}
            {% if of.clock != 'business' %}
            when g.{{ pair }} is not null then g.{{ pair }}
            {% if of.measure not in waits %}
            when v.{{ pair }} > 0 then null
            {% endif %}
            {% if of.measure in is_missing %}
            when {{ is_missing[of.measure] }} then {{ code['missing'] }}
            {% endif %}
            when {{ is_unknown.get(of.measure, 't.is_solved') }} then {{ code['unknown'] }}
            {% endif %}
        end as {{ pair }}
        {% endfor %}
    from {{ ref('tickets') }} as t
    inner join {{ ref('int_tickets') }} as i on t.source = i.source and t.ticket_id = i.ticket_id
    inner join {{ ref('int_ticket_measures') }} as m on t.source = m.source and t.ticket_id = m.ticket_id
    left join told as v on t.source = v.source and t.ticket_id = v.ticket_id
    left join gaps as g on t.source = g.source and t.ticket_id = g.ticket_id
    left join with_events as e on t.source = e.source and t.ticket_id = e.ticket_id
    left join next_replies as r on t.source = r.source and t.ticket_id = r.ticket_id
),

measured as (
    {% for measure in complete_measures() %}
    {%- set states_of = [] -%}
    {%- for pair, of in pairs.items() if of.measure == measure -%}{%- do states_of.append(pair) -%}{%- endfor %}
    select
        source, channel, support_type, month, '{{ measure }}' as measure, ticket_id, has_events,
        {{ 'greatest(' ~ states_of | join(', ') ~ ')' if states_of | length > 1 else states_of[0] }} as state
    from stated
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

published as (select distinct source, published_in from {{ ref('int_vendor_numbers') }}),

vendors as (select distinct source from published),

{#- What the vendor tells of all tickets. #}
told_measures as (
    select distinct p.source, m.measure
    from published as p
    inner join {{ ref('vendor_numbers') }} as n on p.published_in = n.published_in and not coalesce(n.is_in_part, false)
    inner join (
        {% for column, measure, clock, ours in compared_numbers() %}
        select '{{ column }}' as number, '{{ measure }}' as measure
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as m on n.number = m.number
)

select
    m.source,
    m.channel,
    m.support_type,
    m.month,
    m.measure,
    v.source is not null as has_vendor_numbers,
    n.source is not null as is_told,
    count(*) as tickets,
    count(case when m.has_events then 1 end) as with_events,
    count(case when not m.has_events then 1 end) as without_events,
    count(m.state) as expected,
    {% for state in states %}
    count(case when m.state = {{ loop.index0 }} then 1 end) as {{ state }},
    {% endfor %}
    min(case when m.state in ({{ code['missing'] }}, {{ code['unexplained'] }}) then m.ticket_id end) as example_ticket_id
from measured as m
left join vendors as v on m.source = v.source
left join told_measures as n on m.source = n.source and m.measure = n.measure
group by m.source, m.channel, m.support_type, m.month, m.measure, v.source, n.source
