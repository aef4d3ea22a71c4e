{{ config(meta={'next_at': 'always'}) }}
{#- What readers were told of closed periods and are told differently now, and why. Each build takes the current publication's journal
    and adds how its own marts differ from that publication, so what is not published leaves no trace. Before that publication's as-of
    time nothing is compared. #}
{%- set kpis = journalled_kpis() -%}
{%- set facts = [] -%}
{%- for name in kpis if cards()[name].facts not in facts -%}{%- do facts.append(cards()[name].facts) -%}{%- endfor -%}
{#- depends on #}
{%- for name in kpis + facts + ['kpi_definitions', 'int_late_tickets'] -%}{%- do ref(name) -%}{%- endfor -%}
{%- set published = published_marts() -%}
{%- set matched = published.items() | selectattr('1.is_earlier') | selectattr('1.key') | map(attribute=0) | list -%}
{%- set compared = [] -%}
{%- for name in kpis if name in matched and not published[name].is_same %}{% do compared.append(name) %}{% endfor -%}
{%- set compared = tables_with_changed_periods(compared, published) -%}
{#- What moves the cells: the facts that are compared, each with the times by which KPI tables count them. #}
{%- set times = {} -%}
{%- for name in compared if cards()[name].facts in matched and not published[name].cause and not published[cards()[name].facts].is_same -%}
    {%- set card = cards()[name] -%}
    {%- do times.update({card.facts: (times.get(card.facts, []) + [card.time]) | unique | list}) -%}
{%- endfor -%}
{%- set columns = [
    'mart', 'key', 'period_grain', 'period_start', 'dimension', 'member', 'column_name', 'before', 'after', 'cells', 'cause',
    'restated_at', 'before_version', 'version'
] -%}
with journal as (
    {% if 'restatements' in published %}
    select {{ columns | join(', ') }} from {{ published['restatements'].relation }} where restated_at <= {{ as_of() }}
    {% else %}
    select
        cast(null as varchar) as mart, cast(null as varchar) as key, cast(null as varchar) as period_grain,
        cast(null as date) as period_start, cast(null as varchar) as dimension, cast(null as varchar) as member,
        cast(null as varchar) as column_name, cast(null as double) as before, cast(null as double) as after,
        cast(null as bigint) as cells, cast(null as varchar) as cause, cast(null as timestamp) as restated_at,
        cast(null as varchar) as before_version, cast(null as varchar) as version
    where false
    {% endif %}
)
{% if compared %}
{% for name in times %}, {{ moved_facts(name, times[name], published) }}{% endfor %}
{% for name in compared %}
, {{ name }}_dimensions as (select distinct dimension from {{ published[name].relation }})
, {{ name }}_periods as ({{ changed_periods(name, published[name]) }})
{% endfor %}
, {{ reasons(times, published) }},

changed as (
    {% for name in compared %}
    {{ changed_cells(name, times, published) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- A cell's cause is the strongest among the rows that moved in its period and member, else in its period (a member may be the group
    at some other time), else in its member; if none did, something else corrected it. A table that does not mature (meta) is final
    once a period is closed: the strongest among all rows that moved, and no maturing. #}
restated as (
    select
        c.mart, c.key, c.period_grain, c.period_start, c.dimension, c.member, c.column_name, c.before, c.after,
        case
            when c.weight is not null then c.weight
            when c.matures then coalesce(p.weight, a.weight, m.weight, {{ cause_weight('correction') }})
            when t.weight > {{ cause_weight('matured') }} then t.weight
            else {{ cause_weight('correction') }}
        end as weight
    from changed as c
    left join reasons as p
        on c.moved_by = p.moved_by and c.period_grain = p.period_grain and c.period_start = p.period_start
        and c.dimension = p.dimension and c.member = p.member
    left join reasons as a
        on c.moved_by = a.moved_by and c.period_grain = a.period_grain and c.period_start = a.period_start and a.dimension = 'all'
    left join reasons as m
        on c.moved_by = m.moved_by and m.period_grain = 'all' and c.dimension = m.dimension and c.member = m.member
    left join reasons as t on c.moved_by = t.moved_by and t.period_grain = 'all' and t.dimension = 'all'
    where c.before is distinct from c.after
),

counted as (
    select
        *,
        case weight {% for cause in causes() %}when {{ cause_weight(cause) }} then '{{ cause }}' {% endfor %}end as cause,
        count(*) over (partition by mart, weight) as in_all,
        count(case when dimension = 'all' then 1 end) over (partition by mart, weight) as in_unsplit
    from restated
),

ranked as (
    select
        *,
        cause <> 'matured'
        and (in_all <= {{ listed_at_most() }} or (dimension = 'all' and in_unsplit <= {{ listed_at_most() }})) as is_listed
    from counted
),

{#- Sums of maturing are one a day: what was summed earlier today is summed anew. #}
summed as (
    select mart, cause, count(*) as cells, {{ as_of() }} as restated_at, '{{ published[compared[0]].version }}' as before_version,
        cast(null as varchar) as version
    from ranked
    where not is_listed
    group by mart, cause
    union all
    select mart, cause, cells, restated_at, before_version, version
    from journal
    where cause = 'matured' and {{ business_date('restated_at') }} = {{ business_date(as_of()) }}
)

{% endif %}

select {{ columns | join(', ') }} from journal
{% if compared %}
where cause <> 'matured' or {{ business_date('restated_at') }} <> {{ business_date(as_of()) }}
union all
select
    mart, key, period_grain, period_start, dimension, member, column_name, before, after, cast(1 as bigint) as cells, cause,
    {{ as_of() }} as restated_at, '{{ published[compared[0]].version }}' as before_version, cast(null as varchar) as version
from ranked
where is_listed
union all
select
    mart, '*' as key, cast(null as varchar) as period_grain, cast(null as date) as period_start, cast(null as varchar) as dimension,
    cast(null as varchar) as member, '*' as column_name, cast(null as double) as before, cast(null as double) as after,
    cast(sum(cells) as bigint) as cells, cause, max(restated_at) as restated_at, min(before_version) as before_version,
    case when count(*) = count(version) then max(version) end as version
from summed
group by mart, cause
{% endif %}
{% if 'kpi_definitions' in matched and not published['kpi_definitions'].is_same %}
union all
{{ redefined(published['kpi_definitions']) }}
{% endif %}
