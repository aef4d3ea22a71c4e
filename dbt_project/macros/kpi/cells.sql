{#- From facts to the cells of a KPI table: one row per period, dimension, member and key. #}

{% macro kpi_cells(counts, values={}, is_wide=false) %}
{%- set card = card() -%}
{%- set changed = changed_days() -%}
{%- set cell = ['period_grain', 'period_start', 'dimension', 'member'] -%}
with
{% if changed %}
changed_periods as (select distinct grain_no, period_start from ({{ in_periods('(' ~ changed ~ ')', false) }}) as p),
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
{% set aggregates = [] %}
{% for name, aggregate in (counts.items() | list) + (values.items() | list) %}{% do aggregates.append(aggregate ~ ' as ' ~ name) %}{% endfor %}
grouped as (
    {{ grouped_facts(aggregates, card.key, changed is not none) }}
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
{% set aggregates = [] %}
{% for name, aggregate in (counts.items() | list) + (values.items() | list) %}
{% for _, column, _ in measures() %}{% do aggregates.append(aggregate.format(column) ~ ' as ' ~ name ~ '_' ~ loop.index) %}{% endfor %}
{% endfor %}
{{ return(aggregates) }}
{% endmacro %}

{% macro grouped_facts(aggregates, keys, is_delta=false) %}
{%- set dimensions = offered_dimensions(kpi_name()) -%}
{%- set rare = [] -%}
{%- for name in dimensions if grains_of(name) != period_grains() -%}{%- do rare.append(name) -%}{%- endfor -%}
select
    {{ grain_name('grain_no') }} as period_grain,
    period_start,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then '{{ name }}' {% else %}when false then '' {% endfor %}
        else 'all'
    end as dimension,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then d_{{ name }} {% else %}when false then '' {% endfor %}
        else 'all'
    end as member,
    {{ (keys + aggregates) | join(', ') }}
from (
    select {% for name, column in dimensions.items() %}{{ member_by_grain(name, column) }} as d_{{ name }}, {% endfor %}*
    from ({{ in_periods('facts', is_delta) }}) as p
) as f
group by grouping sets (
    ({{ (['grain_no', 'period_start'] + keys) | join(', ') }})
    {% for name in dimensions %}, ({{ (['grain_no', 'period_start', 'd_' ~ name] + keys) | join(', ') }}){% endfor %}
)
{#- Of a grain that a dimension has not its members are null. #}
{% if rare %}having {% for name in rare %}not (grouping(d_{{ name }}) = 0 and d_{{ name }} is null){{ ' and ' if not loop.last }}{% endfor %}{% endif %}
{% endmacro %}

{% macro member_by_grain(dimension, column) -%}
{%- set places = [] -%}
{%- for grain in period_grains() if grain in grains_of(dimension) -%}{%- do places.append(period_grains().index(grain) + 1) -%}{%- endfor -%}
{%- if places | length == period_grains() | length -%}coalesce({{ column }}, '(none)')
{%- else -%}case when grain_no in ({{ (places or ['null']) | join(', ') }}) then coalesce({{ column }}, '(none)') end
{%- endif -%}
{%- endmacro %}

{% macro in_periods(facts, is_delta) %}
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
    cross join ({% for _ in period_grains() %}select {{ loop.index }} as grain_no{{ ' union all ' if not loop.last }}{% endfor %}) as g
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

{% macro period_spine(is_delta) %}
{%- set keys = card().key -%}
{%- set first_day = 'coalesce((select min(day) from facts), ' ~ business_date(as_of()) ~ ')' -%}
select distinct
    {{ grain_name('p.grain_no') }} as period_grain, p.period_start, 'all' as dimension, 'all' as member
    {% for key in keys %}, k.{{ key }}{% endfor %}
from ({{ in_periods('(' ~ day_series(first_day, business_date(as_of()), 'day') ~ ')', is_delta) }}) as p
{% if keys %}cross join {{ key_rows() }} as k{% endif %}
{% endmacro %}
