{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- How many counted tickets were unsolved at the end of each local day, by age. Sums of what came and went (macros/kpi/backlog.sql), never
    tickets by days. An incremental build adds what the touched tickets change, and gives the periods from the first such day on. #}
{#- A ticket keeps its dimensions but these, which its states hold. -#}
{%- set passing = ['priority', 'group', 'agent'] -%}
{%- set fixed, held = {}, {} -%}
{#- An incremental build goes on from the days of each dimension. -#}
{%- for name, column in offered_dimensions(kpi_name()).items() if 'day' in grains_of(name) or grains_of(name) == period_grains() -%}
{%- do (held if name in passing else fixed).update({name: column}) -%}
{%- endfor -%}
{%- set is_delta = changed_days() is not none -%}
{%- set last_as_of = '(select max(as_of) from control.completed_builds)' -%}
{%- set today = business_date(as_of()) -%}
with ages as (
    select
        age_bucket, from_days,
        cast(from_days * 86400000000 as bigint) as from_micros,
        cast(coalesce(lead(from_days) over (order by from_days) * 86400000000, 9000000000000000000) as bigint) as to_micros,
        row_number() over (order by from_days) as age_no
    from {{ ref('age_buckets') }}
),

{% if is_delta %}
touched_tickets as (select * from {{ with_own_dimensions('tickets', '(' ~ touched_rows(ref('tickets')) ~ ')') }} as t),

touched_states as ({{ touched_rows(ref('int_ticket_states')) }}),

changes as (
    select day, age_no, dimension, member, arrived, departed, aged_in, aged_out
    from ({{ backlog_changes('touched_tickets', 'touched_states', as_of(), fixed, held) }}) as now_so
    union all
    select day, age_no, dimension, member, -arrived, -departed, -aged_in, -aged_out
    from ({{ backlog_changes(
        with_own_dimensions('tickets', before_relation('tickets'), is_before=true), before_relation('int_ticket_states'), last_as_of, fixed, held
    ) }}) as before_so
),
{% else %}
changes as ({{ backlog_changes(with_own_dimensions('tickets'), ref('int_ticket_states'), as_of(), fixed, held) }}),
{% endif %}

{#- Age 0 is all ages: to grow older is neither to arrive nor to depart. #}
changed_flows as (
    select day, age_no, dimension, member, sum(arrived + aged_in) as arrivals, sum(departed + aged_out) as departures
    from changes
    group by day, age_no, dimension, member
    having sum(arrived + aged_in) <> 0 or sum(departed + aged_out) <> 0
    union all
    select day, 0, dimension, member, sum(arrived), sum(departed)
    from changes
    group by day, dimension, member
    having sum(arrived) <> 0 or sum(departed) <> 0
),

first_change as (
    select {{ 'least(coalesce(min(day), ' ~ today ~ '), ' ~ business_date(last_as_of) ~ ')' if is_delta else 'min(day)' }} as day from changed_flows
),

known_flows as (
    select day, age_no, dimension, member, arrivals, departures from changed_flows
    {% if is_delta %}
    union all
    select k.period_start, coalesce(a.age_no, 0), k.dimension, k.member, k.arrivals, k.departures
    from {{ this }} as k
    left join ages as a on k.age_bucket = a.age_bucket
    where k.period_grain = 'day'
    {% endif %}
),

days as ({{ day_series('coalesce((select min(day) from known_flows), ' ~ today ~ ')', today, 'day') }}),

{#- With a row for every day over all dimensions. #}
all_flows as (
    select day, age_no, dimension, member, arrivals, departures from known_flows
    union all
    select d.day, a.age_no, 'all', 'all', 0, 0
    from days as d
    cross join (select age_no from ages union all select 0) as a
),

flows as (
    select day, age_no, dimension, member, sum(arrivals) as arrivals, sum(departures) as departures
    from all_flows
    group by day, age_no, dimension, member
),

balances as (
    select
        *,
        sum(arrivals - departures) over (partition by age_no, dimension, member order by day) as open_at_end,
        coalesce(
            cast({{ add_days('lead(day) over (partition by age_no, dimension, member order by day)', -1) }} as date), {{ today }}
        ) as until_day
    from flows
),

daily as (
    select
        age_no, dimension, member, open_at_end, day as changed_day, arrivals, departures,
        {{ unnest_days('day', 'case when open_at_end > 0 then until_day else day end') }} as day
    from balances
),

periods as (
    {% for grain in period_grains() %}
    select
        '{{ grain }}' as period_grain, {{ period_start(grain, 'd.day') }} as period_start, max(d.day) as last_day
    from days as d
    {% if grain != 'all' %}
    where {{ period_start(grain, 'd.day') }} >= (select {{ period_start(grain, 'day') }} from first_change)
    {% endif %}
    group by {{ period_start(grain, 'd.day') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

cells as (
    select
        'all' as period_grain, cast(null as date) as period_start, dimension, member, age_no, sum(arrivals) as arrivals,
        sum(departures) as departures, sum(arrivals - departures) as open_at_end
    from flows
    group by dimension, member, age_no
    {% for grain in period_grains() if grain != 'all' %}
    union all
    select
        p.period_grain, p.period_start, d.dimension, d.member, d.age_no,
        sum(case when d.day = d.changed_day then d.arrivals else 0 end),
        sum(case when d.day = d.changed_day then d.departures else 0 end),
        sum(case when d.day = p.last_day then d.open_at_end else 0 end)
    from daily as d
    inner join periods as p on p.period_grain = '{{ grain }}' and p.period_start = {{ period_start(grain, 'd.day') }}
    group by p.period_grain, p.period_start, d.dimension, d.member, d.age_no
    {% endfor %}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    coalesce(a.age_bucket, 'all') as age_bucket,
    cast(coalesce(a.from_days, 0) as smallint) as age_from_days,
    cast(c.open_at_end - c.arrivals + c.departures as bigint) as open_at_start,
    cast(c.arrivals as bigint) as arrivals,
    cast(c.departures as bigint) as departures,
    cast(c.open_at_end as bigint) as open_at_end,
    {{ is_small_n('c.open_at_end') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
left join ages as a on c.age_no = a.age_no
{{ join_definition() }}
where c.dimension = 'all' or c.arrivals > 0 or c.departures > 0 or c.open_at_end > 0
