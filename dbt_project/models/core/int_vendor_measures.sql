{{ config(materialized='table') }}
{#- What vendors say themselves of the touched tickets, in seconds and counts: from the place that tells a whole set; of replies else from
    another. A wait that a single clock tells may have gone on. #}
{%- set replies = ['public_agent_replies', 'first_reply_calendar', 'first_reply_business'] -%}
{%- set counts = ['reopens', 'group_hops', 'assignee_hops'] -%}
{%- set waits = [] -%}
{%- for measure in ['requester_wait', 'agent_wait', 'on_hold'] -%}
{%- do waits.extend([measure ~ '_calendar', measure ~ '_business']) -%}
{%- endfor -%}
with told as (
    {% for number in replies + waits + counts %}
    select n.source, n.ticket_id, n.is_full_set, '{{ number }}' as number, n.{{ number }} * coalesce(u.unit_seconds, 1) as value
    from {{ ref('int_vendor_numbers') }} as n
    left join {{ ref('vendor_numbers') }} as u on n.published_in = u.published_in and u.number = '{{ number }}'
    where n.{{ number }} is not null and {{ is_touched('n') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    source,
    ticket_id,
    {% for number in replies %}
    coalesce(max(case when number = '{{ number }}' and is_full_set then value end), max(case when number = '{{ number }}' then value end))
        as {{ number }},
    {% endfor %}
    {% for number in waits + counts %}
    max(case when number = '{{ number }}' and is_full_set then value end) as {{ number }}{{ ',' if not loop.last }}
    {% endfor %}
from told
group by source, ticket_id
