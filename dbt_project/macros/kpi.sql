{#- KPI tables: facts grouped by period and dimension. #}

{% macro period_grains() %}{{ return(['day', 'week', 'month', 'quarter', 'all']) }}{% endmacro %}

{#- The first local day of the period that holds `day`; weeks begin on Monday; null for all. #}
{% macro period_start(grain, day) -%}
{%- if grain == 'all' -%}cast(null as date)
{%- elif grain == 'day' -%}{{ day }}
{%- else -%}cast(date_trunc('{{ grain }}', {{ day }}) as date)
{%- endif -%}
{%- endmacro %}

{#- Groups `facts` (a CTE with `day`, the dimensions' columns and the keys) by every grain and dimension. Gives CTE bodies:
    one row per period_grain, period_start, dimension, member and keys with the `aggregates`.
    dimensions: {name: column}; member is the column's text, '(none)' for null. own: a CTE of facts by declared dimensions, with
    own_dimension and own_member. #}
{% macro group_by_period_and_dimension(facts, dimensions, keys, aggregates, is_delta, own=none) %}
select
    {{ grain_name('grain_no') }} as period_grain,
    period_start,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then '{{ name }}' {% endfor %}
        else 'all'
    end as dimension,
    case
        {% for name in dimensions %}when grouping(d_{{ name }}) = 0 then d_{{ name }} {% endfor %}
        else 'all'
    end as member,
    {% for key in keys %}{{ key }}, {% endfor %}
    {{ aggregates }}
from (
    select {% for name, column in dimensions.items() %}coalesce({{ column }}, '(none)') as d_{{ name }}, {% endfor %}*
    from ({{ in_periods(facts, is_delta) }}) as p
) as f
group by grouping sets (
    (grain_no, period_start{% for key in keys %}, {{ key }}{% endfor %})
    {% for name in dimensions %}, (grain_no, period_start, d_{{ name }}{% for key in keys %}, {{ key }}{% endfor %}){% endfor %}
)
{% if own %}
union all
select
    {{ grain_name('grain_no') }}, period_start, own_dimension, own_member,
    {% for key in keys %}{{ key }}, {% endfor %}
    {{ aggregates }}
from ({{ in_periods(own, is_delta) }}) as o
group by grain_no, period_start, own_dimension, own_member{% for key in keys %}, {{ key }}{% endfor %}
{% endif %}
{% endmacro %}

{#- The rows of `facts`, once for each period that holds their `day`; grain_no is the place of its grain, which groups faster than a name. #}
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

{% macro grain_name(grain_no) -%}
case {{ grain_no }} {% for grain in period_grains() %}when {{ loop.index }} then '{{ grain }}' {% endfor %}end
{%- endmacro %}

{#- Every period from the first fact to the as-of time, with the keys of `key_rows` (a CTE) where given. #}
{% macro period_spine(facts, keys, key_rows, is_delta) %}
{%- set first_day = 'coalesce((select min(day) from ' ~ facts ~ '), ' ~ business_date(as_of()) ~ ')' -%}
select distinct
    {{ grain_name('p.grain_no') }} as period_grain, p.period_start, 'all' as dimension, 'all' as member
    {% for key in keys %}, k.{{ key }}{% endfor %}
from ({{ in_periods('(' ~ day_series(first_day, business_date(as_of()), 'day') ~ ')', is_delta) }}) as p
{% if keys %}cross join {{ key_rows }} as k{% endif %}
{% endmacro %}

{#- The whole way from facts to cells: CTEs `grouped`, `spine` and `cells`. One row per period, dimension, member and key;
    `counts` are 0 and `values` null where nothing was counted. counts, values: {column: aggregate}. With `changed` (see
    changed_days) only the periods that hold such a day come out.
    measures: for facts that carry several numbers side by side, a list of (values of the keys, column): each fact is grouped
    once for all of them, and `{}` in an aggregate stands for the column; a measure's first count says whether it has a cell. #}
{% macro kpi_cells(dimensions, counts, values={}, keys=[], key_rows=none, days='facts', changed=none, measures=none, own=none) %}
{% set aggregates = [] %}
{% for name, aggregate in (counts.items() | list) + (values.items() | list) %}
{% for _, column in measures or [('', '')] %}
{% do aggregates.append(aggregate.format(column) ~ ' as ' ~ name ~ ('_' ~ loop.index if measures else '')) %}
{% endfor %}
{% endfor %}
{% if changed %}
changed_periods as (select distinct grain_no, period_start from ({{ in_periods('(' ~ changed ~ ')', false) }}) as p),
{% endif %}

{{ 'measured' if measures else 'grouped' }} as (
    {{ group_by_period_and_dimension('facts', dimensions, [] if measures else keys, aggregates | join(', '), changed is not none, own) }}
),

{% if measures %}
grouped as (
    {% for key_values, _ in measures %}
    {% set measure_no = loop.index %}
    select
        period_grain, period_start, dimension, member
        {% for key in keys %}, '{{ key_values[loop.index0] }}' as {{ key }}{% endfor %}
        {% for name in (counts | list) + (values | list) %}, {{ name }}_{{ measure_no }} as {{ name }}{% endfor %}
    from measured
    where {{ (counts | list)[0] }}_{{ measure_no }} > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}
),
{% endif %}

spine as ({{ period_spine(days, keys, key_rows, changed is not none) }}),

cells as (
    select
        {% for name in ['period_grain', 'period_start', 'dimension', 'member'] + keys %}
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
        {% for key in keys %} and g.{{ key }} = s.{{ key }}{% endfor %}
)
{% endmacro %}

{#- True while the period holds the as-of time. #}
{% macro is_partial_period(alias='c') -%}
case {{ alias }}.period_grain
    when 'all' then false
    when 'day' then {{ alias }}.period_start = {{ business_date(as_of()) }}
    else {{ alias }}.period_start = cast(date_trunc({{ alias }}.period_grain, {{ business_date(as_of()) }}) as date)
end
{%- endmacro %}

{#- A KPI's definition, joined as `d`. #}
{% macro join_definition(kpi) %}left join {{ ref('kpi_definitions') }} as d on d.kpi = {{ kpi }}{% endmacro %}
{% macro is_small_n(n) -%}coalesce({{ n }} < coalesce(d.small_n, 30), true){%- endmacro %}

{#- Bounds of the 95 % Wilson interval of k successes in n, in percent. #}
{% macro wilson_pct(k, n, sign) -%}
case when {{ n }} > 0 then
    100e0 * {{ 'greatest(0e0, ' if sign == '-' else 'least(1e0, ' }}
        (({{ k }} * 1e0 / {{ n }}) + 1.959963984540054e0 * 1.959963984540054e0 / (2 * {{ n }})
        {{ sign }} 1.959963984540054e0 * sqrt(
            ({{ k }} * 1e0 / {{ n }}) * (1 - {{ k }} * 1e0 / {{ n }}) / {{ n }}
            + 1.959963984540054e0 * 1.959963984540054e0 / (4e0 * {{ n }} * {{ n }})
        )) / (1 + 1.959963984540054e0 * 1.959963984540054e0 / {{ n }})
    )
end
{%- endmacro %}

{#- Bounds of the 95 % interval of the difference between two shares, in points: Newcombe's, from both Wilson intervals (1998, method 10). #}
{% macro newcombe_pct(k, n, others_k, others_n, sign) -%}
{%- set other_sign = '+' if sign == '-' else '-' -%}
100e0 * {{ k }} / nullif({{ n }}, 0) - 100e0 * {{ others_k }} / nullif({{ others_n }}, 0) {{ sign }} sqrt(
    power(100e0 * {{ k }} / nullif({{ n }}, 0) - {{ wilson_pct(k, n, sign) }}, 2)
    + power(100e0 * {{ others_k }} / nullif({{ others_n }}, 0) - {{ wilson_pct(others_k, others_n, other_sign) }}, 2)
)
{%- endmacro %}

{#- The local days on which a touched row differs from what the last build had, and those from its own to this one's where that is a later
    day, for a KPI table that is built again only for those periods; none when all periods must be built. rows: a list of (relation, columns that count, SQL of the UTC time).
    key: the column of the facts that splits the table, if one does. What it counts stands on its card: facts (a mart) and time (SQL). #}
{% macro changed_days(rows, key=none) %}
{% if not execute or not is_incremental() %}{{ return(none) }}{% endif %}
{% set names = rows | map(attribute=0) | list %}
{% set state = run_query(
    "select (select count(*) from control.started_builds where build_id <> " ~ build_id() ~ "), (select count(*) from information_schema.tables "
    ~ "where table_schema = 'core' and table_name in ('before_" ~ names | join("', 'before_") ~ "'))"
).rows[0] %}
{#- After a build that broke off, what stood before is not known. #}
{% if state[0] > 0 or state[1] < names | length %}{{ return(none) }}{% endif %}
{#- Nor does a delta reach periods before the first that there was, or a key that there was not. #}
{% set meta = config.get('meta') %}
{% set first = run_query("select " ~ first_fact_day() ~ ", (select min(period_start) from " ~ this ~ " where period_grain = 'day')").rows[0] %}
{% if first[0] != first[1] %}{{ return(none) }}{% endif %}
{% if key %}
{% set keys = run_query(
    "select (select string_agg(distinct k, ' ' order by k) from (select " ~ key ~ " as k from " ~ ref(meta['facts']) ~ " where " ~ meta['where']
    ~ ") as f), (select string_agg(distinct k, ' ' order by k) from (select " ~ key ~ " as k from " ~ this ~ ") as t)"
).rows[0] %}
{% if keys[0] != keys[1] %}{{ return(none) }}{% endif %}
{% endif %}
{% set sql %}
{% for name, columns, time in rows %}
{% set now_rows %}
select {{ columns }} from {{ ref(name) }} as t
where exists (
    select 1 from {{ touched_relation() }} as touched
    where touched.source = t.source and touched.ticket_id = t.ticket_id
)
{% endset %}
{% set before_rows %}select {{ columns }} from {{ before_relation(name) }}{% endset %}
select distinct {{ business_date(time) }} as day
from (({{ now_rows }} except all {{ before_rows }}) union all ({{ before_rows }} except all {{ now_rows }})) as difference_{{ loop.index }}
union
{% endfor %}
{#- Running facts count on the as-of day, and its periods are partial. -#}
{% set last_day = '(select ' ~ business_date('min(as_of)') ~ ' from control.completed_builds)' %}
select day from ({{ day_series(last_day, business_date(as_of()), 'day') }}) as days_since
where {{ last_day }} <> {{ business_date(as_of()) }}
{% endset %}
{{ return(sql) }}
{% endmacro %}

{#- The first local day of a KPI table's facts, else that of the as-of time: a scalar subquery. Local days are found for the first two days
    alone, since a local time may step back. #}
{% macro first_fact_day() -%}
{%- set meta = config.get('meta') -%}
{%- set time, counted = told_sql(meta['time']), meta.get('where', 'true') -%}
{%- set facts = this.incorporate(path={'schema': 'marts', 'identifier': meta['facts']}) -%}
(select coalesce(min({{ business_date(time) }}), {{ business_date(as_of()) }}) from {{ facts }}
    where {{ counted }} and {{ time }} < {{ add_days('(select min(' ~ time ~ ') from ' ~ facts ~ ' where ' ~ counted ~ ')', 2) }})
{%- endmacro %}

{#- Incremental strategy: the periods that came replace those periods; what lies before the first fact goes. #}
{% macro get_incremental_replace_periods_sql(arg_dict) %}
{% set target = arg_dict['target_relation'] %}
delete from {{ target }} as t
where exists (
    select 1 from (select distinct period_grain, period_start from {{ arg_dict['temp_relation'] }}) as n
    where n.period_grain = t.period_grain and n.period_start is not distinct from t.period_start
);
delete from {{ target }}
where case period_grain
    {% for grain in period_grains() if grain != 'all' %}
    when '{{ grain }}' then period_start < {{ period_start(grain, first_fact_day()) }}
    {% endfor %}
    else false
end;
insert into {{ target }} select * from {{ arg_dict['temp_relation'] }};
{% endmacro %}

{#- The dimensions of answers and of surveys sent. #}
{% macro survey_dimensions() %}
{{ return({
    'source': 'source', 'survey': 'survey', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area',
    'complexity': 'complexity', 'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'agent_id'
}) }}
{% endmacro %}

{#- Body of a CTE: per period the mean of the segments' values, each weighed by its share of the customers (seed segment_sizes), and the
    margin of that mean: the variances of strata add up by the square of their share. Null where a segment that has customers has no
    answer; answers of other segments are left out. `value` and `variance` (of one answer, in the value's unit squared) are SQL on alias
    `c` of `cells`. Summed in integers, so that no order of rows changes a digit. #}
{% macro weighted_by_segment(value, variance) %}
select
    s.period_grain,
    s.period_start,
    case when count(c.n) = count(*) then sum(cast(round(1e9 * s.share * {{ value }}) as bigint)) / 1e9 end as value,
    case when count(c.n) = count(*) then
        1.959963984540054e0 * sqrt(sum(cast(round(1e9 * s.share * s.share * {{ variance }} / c.n) as bigint)) / 1e9)
    end as margin
from (
    select
        p.period_grain, p.period_start, z.segment,
        z.customers * 1e0 / sum(z.customers) over (partition by p.period_grain, p.period_start) as share
    from (select period_grain, period_start from cells where dimension = 'all') as p
    inner join {{ ref('segment_sizes') }} as z
        on {{ is_valid_in_period('z', 'p') }}
    where z.customers > 0
) as s
left join cells as c
    on c.dimension = 'segment' and c.member = s.segment and c.n > 0
    and c.period_grain = s.period_grain and c.period_start is not distinct from s.period_start
group by s.period_grain, s.period_start
{% endmacro %}

{#- CTE body: the answers in `facts` by declared dimensions. #}
{% macro by_own_dimension() %}
select f.*, d.dimension as own_dimension, d.member as own_member
from facts as f
inner join {{ ref('answer_dimensions') }} as d on f.source = d.source and f.response_id = d.response_id and f.question_id = d.question_id
{% endmacro %}

{#- Whether a rule with valid_from and valid_to holds for a cell's period: on its first day, for all time on the day of the as-of time. #}
{% macro is_valid_in_period(rule, cell) -%}
coalesce({{ cell }}.period_start, {{ business_date(as_of()) }}) >= coalesce({{ rule }}.valid_from, cast({{ the_beginning() }} as date))
and coalesce({{ cell }}.period_start, {{ business_date(as_of()) }}) < coalesce({{ rule }}.valid_to, cast({{ the_end() }} as date))
{%- endmacro %}
