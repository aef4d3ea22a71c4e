{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{%- set columns = ['source', 'ticket_id', 'published_in', 'read_at', 'is_full_set', 'next_replies'] -%}
{%- for number in compared_numbers() -%}{%- do columns.append(number[0]) -%}{%- endfor -%}
with numbers as ({{ united('vendor_numbers', columns) }})

select
    {% for column in columns %}
    n.{{ column }}{{ ',' if not loop.last }}
    {% endfor %}
from numbers as n
inner join {{ ref('int_tickets') }} as t on n.source = t.source and n.ticket_id = t.ticket_id
where t.exclusion_reason is null
