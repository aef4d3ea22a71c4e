{#- From facts to the cells of a KPI table: one row per period, dimension, member and key. #}

{% macro kpi_cells(counts, values={}, is_wide=false, is_all_of_today=false) %}
{%- set card = card() -%}
{%- set changed = changed_days() -%}
{%- set cell = ['period_grain', 'period_start', 'dimension', 'member'] -%}
with
{% if changed %}
changed_periods as (
    select grain_no, period_start from ({{ in_periods('(' ~ changed ~ ')', false) }}) as p
    union
    {{ passed_periods(is_all_of_today) }}
),
{% endif %}
{% if is_wide %}
measured as (
    {{ grouped_facts(wide_aggregates(counts, values), [], changed is not none) }}
),

grouped as (
    {% for key, column, _ in measures() %}
    {% set measure_no = loop.index %}
    select
        {{ cell | join(', ') }}
        {% for name, value in key.items() %}, '{{ value }}' as {{ name }}{% endfor %}
        {% for name in (counts | list) + (values | list) %}, {{ name }}_{{ measure_no }} as {{ name }}{% endfor %}
    from measured
    where {{ (counts | list)[0] }}_{{ measure_no }} > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),
{% else %}
grouped as (
    {{ grouped_facts(dict(counts, **values), card.key, changed is not none) }}
),
{% endif %}
spine as ({{ period_spine(changed is not none) }})

select
    {% for name in cell + card.key %}
    coalesce(g.{{ name }}, s.{{ name }}) as {{ name }},
    {% endfor %}
    {% for name in counts %}
    cast(coalesce(g.{{ name }}, 0) as bigint) as {{ name }}{{ ',' if not loop.last or values }}
    {% endfor %}
    {% for name in values %}
    g.{{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from grouped as g
full outer join spine as s
    on g.period_grain = s.period_grain and g.period_start is not distinct from s.period_start
    and g.dimension = s.dimension and g.member = s.member
    {% for name in card.key %} and g.{{ name }} = s.{{ name }}{% endfor %}
{% endmacro %}

{% macro wide_aggregates(counts, values) %}
{% set aggregates = {} %}
{% for name, aggregate in (counts.items() | list) + (values.items() | list) %}
{% for _, column, _ in measures() %}{% do aggregates.update({name ~ '_' ~ loop.index: aggregate.format(column)}) %}{% endfor %}
{% endfor %}
{{ return(aggregates) }}
{% endmacro %}

{#- So many values at most (facts, each for all aggregates) are grouped at a time: DuckDB keeps those of a median in memory, up to 16 bytes each,
    counts them to no limit and gives them back when a step of the recursion ends. -#}
{% macro slice_size() %}{{ return(16000000) }}{% endmacro %}

{% macro grouped_facts(aggregates, keys, is_delta=false) %}
{%- set dimensions = offered_dimensions(kpi_name()) -%}
{%- set columns = ['slice_no', 'grain_no', 'period_start', 'dimension_no', 'member'] + keys + (aggregates | list) -%}
{%- set nothing = ', null' * (columns | length - 1) -%}
{%- set size = aggregates | length ~ ' * (select count(*) from facts)' -%}
select
    {{ grain_name('grain_no') }} as period_grain,
    period_start,
    case dimension_no {% for name in dimensions %}when {{ loop.index }} then '{{ name }}' {% endfor %}else 'all' end as dimension,
    {{ (['member'] + keys + (aggregates | list)) | join(', ') }}
from (
    with recursive slices as (
        select
            g.grain_no, d.dimension_no,
            cast(ceil(
                row_number() over (order by g.grain_no, d.dimension_no) / greatest(1e0, floor({{ slice_size() }} / (1e0 + {{ size }})))
            ) as bigint) as slice_no
        from {{ grain_rows() }} as g
        cross join (select 0 as dimension_no{% for _ in dimensions %} union all select {{ loop.index }}{% endfor %}) as d
        where true
            {% for name in dimensions if grains_of(name) != period_grains() %}
            {% set dimension_no = (dimensions | list).index(name) + 1 %}
            and (d.dimension_no <> {{ dimension_no }} or {{ grain_name('g.grain_no') }} in ('{{ grains_of(name) | join("', '") }}'))
            {% endfor %}
    ),

    sliced ({{ columns | join(', ') }}) as (
        {{ slice_cells(aggregates, keys, is_delta, dimensions, '1') }}
        union all
        select 1{{ nothing }}
        union all
        (
            {{ slice_cells(aggregates, keys, is_delta, dimensions, '(select max(slice_no) + 1 from sliced)') }}
            {#- A slice without a cell is no end. #}
            union all
            select max(slice_no) + 1{{ nothing }} from sliced having max(slice_no) < (select max(slice_no) from slices)
        )
    )

    select * from sliced where grain_no is not null
) as s
{% endmacro %}

{% macro slice_cells(aggregates, keys, is_delta, dimensions, slice) %}
select
    {{ slice }}, grain_no, period_start, dimension_no, member
    {%- for key in keys %}, {{ key }}{% endfor %}{% for aggregate in aggregates.values() %}, {{ aggregate }}{% endfor %}

from (
    select
        s.dimension_no,
        case s.dimension_no
            when 0 then 'all'
            {% for column in dimensions.values() %}
            when {{ loop.index }} then coalesce(p.{{ column }}, '(none)')
            {% endfor %}
        end as member,
        p.*
    from ({{ in_periods('facts', is_delta, '(select distinct grain_no from slices where slice_no = ' ~ slice ~ ')') }}) as p
    inner join (select * from slices where slice_no = {{ slice }}) as s on p.grain_no = s.grain_no
) as f
group by grain_no, period_start, dimension_no, member{% for key in keys %}, {{ key }}{% endfor %}

{% endmacro %}

{% macro in_periods(facts, is_delta, grains=none) %}
select *
from (
    select
        g.grain_no,
        case g.grain_no
            {% for grain in period_grains() %}
            when {{ loop.index }} then {{ period_start(grain, 'f.day') }}
            {% endfor %}
        end as period_start,
        f.*
    from {{ facts }} as f
    cross join {{ grains or grain_rows() }} as g
) as p
where
    {% if is_delta %}
    exists (
        select 1 from changed_periods as c where c.grain_no = p.grain_no and c.period_start is not distinct from p.period_start
    )
    {% else %}
    period_start is not null or {{ grain_name('grain_no') }} = 'all'
    {% endif %}
{% endmacro %}

{% macro grain_rows() -%}
({% for _ in period_grains() %}select {{ loop.index }} as grain_no{{ ' union all ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro period_spine(is_delta) %}
{%- set keys = card().key -%}
{%- set first_day = 'coalesce((select min(day) from facts), ' ~ business_date(as_of()) ~ ')' -%}
select distinct
    {{ grain_name('p.grain_no') }} as period_grain, p.period_start, 'all' as dimension, 'all' as member
    {% for key in keys %}, k.{{ key }}{% endfor %}
from ({{ in_periods('(' ~ day_series(first_day, business_date(as_of()), 'day') ~ ')', is_delta) }}) as p
{% if keys %}cross join {{ key_rows() }} as k{% endif %}
{% endmacro %}
