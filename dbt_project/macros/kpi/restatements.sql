{#- The journal of restatements: the cells of closed periods in the candidate KPI tables against those that readers see. #}

{% macro causes() %}{{ return(['code', 'rules', 'deletion', 'correction', 'late data', 'matured']) }}{% endmacro %}
{% macro cause_weight(cause) %}{{ return(causes() | length - causes().index(cause)) }}{% endmacro %}

{% macro listed_at_most() %}{{ return(1000) }}{% endmacro %}

{% macro published_marts() %}
{% set marts = {} %}
{% if execute %}
{% set sql %}
select
    p.mart, p.version, cast(p.as_of as varchar) as as_of, p.as_of <= {{ as_of() }} as is_earlier, p.path, p.declared, p.cause,
    c.rows || '/' || c.sum_1 || '/' || c.sum_2 as content
from control.published as p
left join control.contents as c on p.mart = c.model
{% endset %}
{% for row in run_query(sql).rows %}
{% set mart = fromjson(row['declared']) %}
{% do mart.update({
    'version': row['version'], 'as_of': row['as_of'], 'is_earlier': row['is_earlier'], 'relation': parquet_file(row['path']),
    'cause': row['cause'], 'is_same': row['cause'] is none and mart.content == row['content']
}) %}
{% do marts.update({row['mart']: mart}) %}
{% endfor %}
{% endif %}
{{ return(marts) }}
{% endmacro %}

{% macro dimensions_among(columns) %}
{% set found = {'all': "'all'"} %}
{% for name, rule in dimensions().items() if dimension_column(name, rule, columns) in columns %}
{% do found.update({name: dimension_column(name, rule, columns)}) %}
{% endfor %}
{{ return(found) }}
{% endmacro %}

{% macro moved_facts(name, times, published) %}
{% set mart = published[name] %}
{% set dimensions = dimensions_among(mart.columns) %}
{% set fixed = mart.columns | reject('in', mart.meta.moving) | list %}
{% set fixed_times = [] %}
{% for column in fixed if mart.columns[column] == 'timestamp' and column not in mart.key %}{% do fixed_times.append(column) %}{% endfor %}
{% set as_of = to_utc("'" ~ mart.as_of ~ "'") %}
{{ name }}_differing as (
    select coalesce(b.content, a.content) as content
    from (select {{ row_hash(mart.columns) }} as content from {{ mart.relation }}) as b
    full outer join (select {{ row_hash(mart.columns) }} as content from {{ ref(name) }}) as a on b.content = a.content
    where b.content is null or a.content is null
),

{{ name }}_moved as (
    select
        coalesce(b.source, a.source) as source,
        coalesce(b.ticket_id, a.ticket_id) as ticket_id,
        {% for _ in times %}
        case when s.is_before then b.time_{{ loop.index }} else a.time_{{ loop.index }} end as time_{{ loop.index }},
        {% endfor %}
        case
            when s.is_before then {{ pair_list('dimension', 'member', dimensions, 'b.d_') }}
            else {{ pair_list('dimension', 'member', dimensions, 'a.d_') }}
        end as members,
        b.row_key is null as is_new,
        a.row_key is null as is_gone,
        coalesce(b.is_settled and a.is_settled and b.fixed_content <> a.fixed_content, false)
        {% for column in fixed_times %}
            or coalesce(b.{{ column }} <= {{ as_of }} and b.{{ column }} is distinct from a.{{ column }}, false)
        {% endfor %} as is_corrected
    from ({{ facts_to_compare(name, mart, mart.relation, times, dimensions, fixed, fixed_times) }}) as b
    full outer join ({{ facts_to_compare(name, mart, ref(name), times, dimensions, fixed, fixed_times) }}) as a on b.row_key = a.row_key
    cross join (select true as is_before union all select false as is_before) as s
    where case when s.is_before then b.row_key else a.row_key end is not null
)
{% endmacro %}

{% macro facts_to_compare(name, mart, relation, times, dimensions, fixed, fixed_times) %}
select
    {{ (['source', 'ticket_id'] + fixed_times) | join(', ') }},
    {% for time in times %}{{ told_sql(time) }} as time_{{ loop.index }}, {% endfor %}
    {% for dimension, column in dimensions.items() %}coalesce({{ column }}, '(none)') as d_{{ dimension }}, {% endfor %}
    {{ mart.meta.settled_at }} <= {{ to_utc("'" ~ mart.as_of ~ "'") }} as is_settled,
    {{ row_hash(mart.key) }} as row_key,
    {{ row_hash(fixed) }} as fixed_content
from {{ relation }}
where {{ row_hash(mart.columns) }} in (select d.content from {{ name }}_differing as d)
{% endmacro %}

{% macro reasons(times, published) %}
moved as (
    select
        cast(null as varchar) as moved_by, cast(null as date) as day, {{ pair_list('dimension', 'member', [], '') }} as members,
        cast(null as varchar) as source, cast(null as varchar) as ticket_id, false as is_new, false as is_gone, false as is_corrected
    where false
    {% for name in times %}
    {% for _ in times[name] %}
    union all
    select
        '{{ name }} {{ loop.index }}', {{ business_date('time_' ~ loop.index) }}, members, source, ticket_id, is_new, is_gone, is_corrected
    from {{ name }}_moved
    {% endfor %}
    {% endfor %}
),

{#- Rows of one ticket that come and go replace each other. #}
replaced as (
    select
        *,
        ticket_id is not null and max(case when is_new then 1 else 0 end) over (partition by moved_by, source, ticket_id) = 1
        and max(case when is_gone then 1 else 0 end) over (partition by moved_by, source, ticket_id) = 1 as is_replaced
    from moved
),

weighed as (
    select
        r.moved_by, r.day, unnest(r.members) as pair,
        case
            when r.is_gone and not r.is_replaced then {{ cause_weight('deletion') }}
            {% if 'excluded_tickets' in published %}
            when r.is_new and e.ticket_id is not null then {{ cause_weight('deletion') }}
            {% endif %}
            when l.ticket_id is not null or r.is_new and not r.is_replaced then {{ cause_weight('late data') }}
            when r.is_new or r.is_gone or r.is_corrected then {{ cause_weight('correction') }}
            else {{ cause_weight('matured') }}
        end as weight
    from replaced as r
    left join {{ ref('int_late_tickets') }} as l on r.source = l.source and r.ticket_id = l.ticket_id
    {% if 'excluded_tickets' in published %}
    left join {{ published['excluded_tickets'].relation }} as e on r.source = e.source and r.ticket_id = e.ticket_id
    {% endif %}
),

reasons as (
    {% for grain in period_grains() %}
    select
        moved_by, '{{ grain }}' as period_grain, {{ period_start(grain, 'day') }} as period_start,
        pair.dimension as dimension, pair.member as member, max(weight) as weight
    from weighed
    {{ 'where day is not null' if grain != 'all' }}
    group by moved_by, {{ period_start(grain, 'day') }}, pair.dimension, pair.member
    {{ 'union all' if not loop.last }}
    {% endfor %}
)
{% endmacro %}

{#- Integers are rules: a version, a minimum, a window. #}
{% macro numbers_of(mart) %}
{% set numbers = [] %}
{% for column, type in mart.columns.items() if type in ('bigint', 'double') and column not in mart.key %}
{% do numbers.append(column) %}
{% endfor %}
{{ return(numbers) }}
{% endmacro %}

{#- Asked before the journal is rendered: most tables that differ do so in periods that are not closed. #}
{% macro tables_with_changed_periods(names, published) %}
{% set found = [] %}
{% set sql %}
{% for name in names %}
select '{{ name }}' as mart from ({{ changed_periods(name, published[name]) }}) as p having count(*) > 0
{{ 'union all' if not loop.last }}
{% endfor %}
{% endset %}
{% if names %}{% for row in run_query(sql).rows %}{% do found.append(row['mart']) %}{% endfor %}{% endif %}
{{ return(names | select('in', found) | list) }}
{% endmacro %}

{% macro changed_periods(name, mart) %}
select period_grain, period_start
from (
    {% for side, relation in [(1, mart.relation), (-1, ref(name))] %}
    select period_grain, period_start, {{ side }} * cast({{ row_hash(mart.key + numbers_of(mart)) }} as hugeint) as content from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
) as c
where {{ is_closed(mart) }}
group by period_grain, period_start
having sum(content) <> 0
{% endmacro %}

{% macro changed_cells(name, times, published) %}
{% set mart = published[name] %}
{% set card = cards()[name] %}
{% set moves = times.get(card.facts, []) %}
{% set numbers = numbers_of(mart) %}
select
    '{{ name }}' as mart, c.key, c.period_grain, c.period_start, c.dimension, c.member, n.column_name,
    {% for side in ['before', 'after'] %}
    case n.column_name {% for column in numbers %}when '{{ column }}' then c.{{ side }}_{{ column }} {% endfor %}end as {{ side }},
    {% endfor %}
    {{ "'" ~ card.facts ~ ' ' ~ (moves.index(card.time) + 1) ~ "'" if card.time in moves else 'cast(null as varchar)' }} as moved_by,
    {{ card.matures is not sameas false }} as matures,
    {{ cause_weight(mart.cause) if mart.cause else 'cast(null as integer)' }} as weight
from (
    select
        {% for part in mart.key %}coalesce(cast(coalesce(b.{{ part }}, a.{{ part }}) as varchar), ''){{ " || '/' || " if not loop.last }}{% endfor %} as key,
        {% for column in ['period_grain', 'period_start', 'dimension', 'member'] %}
        coalesce(b.{{ column }}, a.{{ column }}) as {{ column }},
        {% endfor %}
        {% for column in numbers %}
        cast(b.{{ column }} as double) as before_{{ column }}, cast(a.{{ column }} as double) as after_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from ({{ cells_to_compare(name, mart, mart.relation, numbers) }}) as b
    full outer join ({{ cells_to_compare(name, mart, ref(name), numbers) }}) as a on b.row_key = a.row_key
    where ({% for column in numbers %}b.{{ column }} is distinct from a.{{ column }}{{ ' or ' if not loop.last }}{% endfor %})
        {#- A dimension that readers did not have is no other number; a table that counted nothing was not split at all. #}
        and (
            coalesce(b.dimension, a.dimension) in (select p.dimension from {{ name }}_dimensions as p)
            or not exists (select 1 from {{ name }}_dimensions as p where p.dimension <> 'all')
        )
        {#- A row of zeros that comes or goes says nothing. #}
        and ({% for column in numbers %}coalesce(b.{{ column }}, 0) <> 0 or coalesce(a.{{ column }}, 0) <> 0{{ ' or ' if not loop.last }}{% endfor %})
) as c
cross join (
    {% for column in numbers %}select '{{ column }}' as column_name{{ ' union all ' if not loop.last }}{% endfor %}
) as n
{% endmacro %}

{% macro cells_to_compare(name, mart, relation, numbers) %}
select {{ (mart.key + numbers) | join(', ') }}, {{ row_hash(mart.key) }} as row_key
from {{ relation }}
where (period_grain, period_start) in (select p.period_grain, p.period_start from {{ name }}_periods as p)
{% endmacro %}

{% macro is_closed(mart) %}
{% set last_day = business_date(to_utc("'" ~ mart.as_of ~ "'")) -%}
case period_grain
    {% for grain in period_grains() if grain != 'all' %}
    when '{{ grain }}' then period_start < {{ period_start(grain, last_day) }}
    {% endfor %}
    else false
end
{%- endmacro %}

{% macro redefined(mart) %}
select
    'kpi_definitions' as mart, coalesce(b.kpi, a.kpi) as key, cast(null as varchar) as period_grain, cast(null as date) as period_start,
    cast(null as varchar) as dimension, cast(null as varchar) as member,
    case when b.definition_version = a.definition_version then 'definition' else 'definition_version' end as column_name,
    cast(b.definition_version as double) as before, cast(a.definition_version as double) as after, cast(1 as bigint) as cells,
    '{{ mart.cause or 'rules' }}' as cause, {{ as_of() }} as restated_at, '{{ mart.version }}' as before_version,
    cast(null as varchar) as version
from {{ mart.relation }} as b
full outer join {{ ref('kpi_definitions') }} as a on b.kpi = a.kpi
where {% for column in ['definition_version', 'definition', 'variant', 'mart', 'value_column', 'unit', 'better'] -%}
b.{{ column }} is distinct from a.{{ column }}{{ ' or ' if not loop.last }}
{%- endfor %}
{% endmacro %}
