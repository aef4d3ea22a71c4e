{%- set shape = {'ticket': 'VARCHAR', 'at': 'VARCHAR', 'stars': 'VARCHAR'} -%}
{%- set values = [number_value('stars', 'p.stars', 'double')] -%}
with landed as ({{ landed('helpbox', 'ratings', shape) }})

select
    {{ envelope() }},
    p.ticket as ticket_id,
    {{ to_utc('p.at') }} as answered_at,
    {{ usable(values) }}
    {{ rejected_values(values) }},
    {{ reject_reason([missing('p.ticket', 'ticket'), missing('p.at', 'at'), bad_time('p.at', 'at')]) }}
from landed
