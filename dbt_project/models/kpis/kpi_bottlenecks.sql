{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Where the time of solved tickets went, by the local date of the ticket's creation and the group that held it at the time. The
    statuses share out a ticket's whole time; the other stages lie across them. #}
{%- set clocks = {
    'calendar': 'case when s.is_length_known then ' ~ micros_between('s.started_at', 's.ended_at') ~ ' end',
    'business': 'case when s.is_length_known then s.position_to - s.position_from end'
} -%}
{%- set hand_over = {
    'calendar': micros_between('s.started_at', 's.taken_up_at'), 'business': 's.taken_up_position - s.position_from'
} -%}
{%- set of_ticket = offered_dimensions(kpi_name()).values() | reject('eq', 'group_id') | list -%}
with tickets as ({{ counted_facts() }}),

states as (select * from {{ ref('int_ticket_states') }}),

spent as (
    select
        s.source,
        s.ticket_id,
        s.group_id,
        {% for stage in stages() %}
        {% set is_last_stage = loop.last %}
        {% for clock, micros in clocks.items() %}
        {{ time_in_stage(stage, micros) }} as {{ stage }}_{{ clock }}{{ ',' if not (loop.last and is_last_stage) }}
        {% endfor %}
        {% endfor %}
        , max(s.ended_at) as until
    from states as s
    inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
    where {{ is_stay_counted() }}
    group by s.source, s.ticket_id, s.group_id
),

facts as (
    select
        t.day, {% for column in of_ticket %}t.{{ column }}, {% endfor %}s.group_id, t.last_solved_origin = 'vendor' as is_told_by_vendor,
        {% for stage in stages() %}
        {% for clock in clocks %}
        cast(s.{{ stage }}_{{ clock }} as bigint) as {{ stage }}_{{ clock }},
        {% endfor %}
        {% endfor %}
        cast(null as bigint) as hand_over_calendar, cast(null as bigint) as hand_over_business
    from spent as s
    inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
    union all
    select
        t.day, {% for column in of_ticket %}t.{{ column }}, {% endfor %}s.group_id, t.last_solved_origin = 'vendor' as is_told_by_vendor,
        {{ (['null'] * (2 * stages() | length)) | join(', ') }},
        {{ hand_over.values() | join(', ') }}
    from states as s
    inner join tickets as t on s.source = t.source and s.ticket_id = t.ticket_id
    inner join spent as c
        on s.source = c.source and s.ticket_id = c.ticket_id and s.group_id is not distinct from c.group_id and s.taken_up_at <= c.until
    where {{ is_stay_counted() }}
),

cells as (
    {{ kpi_cells(
        {'n': 'count({})', 'n_vendor': 'count(case when is_told_by_vendor then {} end)', 'micros': 'sum({})'},
        {'quantiles': median_and_p90('{}')},
        is_wide=true
    ) }}
),

{#- Joined: a window function over few rows costs by how many DuckDB expects. #}
shares as (
    select c.*, w.micros as whole_micros
    from cells as c
    left join cells as w
        on w.stage = 'all' and c.period_grain = w.period_grain and c.period_start is not distinct from w.period_start
        and c.dimension = w.dimension and c.member = w.member and c.clock = w.clock
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.stage,
    c.clock,
    c.n,
    c.n_vendor,
    cast({{ seconds('c.micros') }} as double) as sum_seconds,
    cast({{ seconds('c.whole_micros') }} as double) as whole_seconds,
    cast(100e0 * (c.micros / nullif(c.whole_micros, 0)) as double) as share_pct,
    cast({{ seconds('c.micros') }} / nullif(c.n, 0) as double) as mean_seconds,
    cast({{ seconds(element('c.quantiles', 1)) }} as double) as median_seconds,
    cast({{ seconds(element('c.quantiles', 2)) }} as double) as p90_seconds,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from shares as c
{{ join_member_label() }}
{{ join_definition() }}
