{#- How many of the tickets created in a period got an answer, by the local date of their creation. #}
with facts as ({{ counted_facts() }}),

cells as ({{ kpi_cells({'created': 'count(*)', 'answered': 'count(first_reply_seconds)'}) }})

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.created,
    c.answered,
    cast(100e0 * c.answered / nullif(c.created, 0) as double) as answered_pct,
    {{ is_small_n('c.created') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
{{ join_definition() }}
