{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Reply and resolution times of counted tickets, by the local date of the ticket's creation. #}
{%- set dimensions = {
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
} -%}
{%- set measures = ticket_durations() -%}
{%- set clocks = duration_clocks() -%}
{%- set columns = 'source, segment, product, service_area, complexity, channel, priority, group_id, assignee_id' -%}
{%- set measure_columns = [] -%}
{%- set numbers = [] -%}
{%- for measure in measures + ['next_reply'] -%}
{%- for clock, suffix in clocks.items() -%}
{%- do numbers.append(((measure, clock), measure ~ '_' ~ suffix)) -%}
{%- if measure != 'next_reply' -%}{%- do measure_columns.append(measure ~ '_' ~ suffix) -%}{%- endif -%}
{%- endfor -%}
{%- endfor -%}
{%- set changed = changed_days([
    ('tickets', 'created_at, ' ~ columns ~ ', ' ~ measure_columns | join(', '), 'created_at'),
    ('ticket_replies', 'created_at, source, ticket_id, reply_no, seconds, business_seconds', 'created_at')
]) -%}
with facts as (
    select
        {{ business_date('created_at') }} as day, {{ columns }}, {{ measure_columns | join(', ') }},
        cast(null as double) as next_reply_seconds, cast(null as double) as next_reply_business_seconds
    from {{ ref('tickets') }}
    union all
    select
        {{ business_date('t.created_at') }}, {{ 't.' ~ columns.replace(', ', ', t.') }},
        {{ (['null'] * measure_columns | length) | join(', ') }},
        r.seconds, r.business_seconds
    from {{ ref('tickets') }} as t
    inner join {{ ref('ticket_replies') }} as r on t.source = r.source and t.ticket_id = r.ticket_id
    where {{ is_next_reply('r') }}
),

measure_clocks as (
    {% for (measure, clock), _ in numbers %}
    select '{{ measure }}' as measure, '{{ clock }}' as clock
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{{ kpi_cells(
    dimensions,
    {'n': 'count({})'},
    {
        'mean_seconds': 'cast(sum(cast(round({0} * 1e6) as bigint)) as double) / 1e6 / count({0})',
        'quantiles': median_and_p90('{}')
    },
    keys=['measure', 'clock'], key_rows='measure_clocks', changed=changed, measures=numbers
) }}

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    c.measure,
    c.clock,
    c.n,
    c.mean_seconds,
    {{ element('c.quantiles', 1) }} as median_seconds,
    {{ element('c.quantiles', 2) }} as p90_seconds,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_definition("c.measure || '_time'") }}
