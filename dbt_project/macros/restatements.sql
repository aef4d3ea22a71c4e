{#- The journal of restatements: the cells of closed periods in the candidate KPI tables against those that readers see. #}

{#- The strongest cause first; its position from the end is its weight. #}
{% macro causes() %}{{ return(['code', 'rules', 'deletion', 'correction', 'late data', 'matured']) }}{% endmacro %}
{% macro cause_weight(cause) %}{{ return(causes() | length - causes().index(cause)) }}{% endmacro %}

{#- Cells of one mart and cause that a publication lists before it sums those that are split, and then all. #}
{% macro listed_at_most() %}{{ return(1000) }}{% endmacro %}

{#- The marts that readers see, as orchestration declares them: name to version, as_of, whether that is before this build's,
    relation, columns {name: type}, key, meta, and cause (code or rules, if those changed since). #}
{% macro published_marts() %}
{% set marts = {} %}
{% if execute %}
{% set sql %}
select mart, version, cast(as_of as varchar) as as_of, as_of <= {{ as_of() }} as is_earlier, path, declared, cause from control.published
{% endset %}
{% for row in run_query(sql).rows %}
{% set mart = fromjson(row['declared']) %}
{% do mart.update({
    'version': row['version'], 'as_of': row['as_of'], 'is_earlier': row['is_earlier'], 'relation': parquet_file(row['path']),
    'cause': row['cause']
}) %}
{% do marts.update({row['mart']: mart}) %}
{% endfor %}
{% endif %}
{{ return(marts) }}
{% endmacro %}

{#- Dimension to column, of those that a core mart has. #}
{% macro dimensions_of(columns) %}
{% set found = {} %}
{% for name in ['source', 'survey', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority'] if name in columns %}
{% do found.update({name: name}) %}
{% endfor %}
{% for name, column in [('group', 'group_id'), ('agent', 'assignee_id'), ('agent', 'agent_id')] if column in columns %}
{% do found.update({name: column}) %}
{% endfor %}
{{ return(found) }}
{% endmacro %}

{#- CTEs about a core mart, the last `<name>_moved`: the rows that differ, as they were and as they are, each with the weight of why.

    deletion    it left, or came back from excluded_tickets
    late data   its ticket has a record that landed late, or it is itself unknown
    correction  another row of the same ticket stands in its place; or what it told of the past it tells differently: a time by
                the last as-of time, or anything but its `moving` columns once it is settled (meta)
    matured     anything else: it went on #}
{% macro moved_facts(name, published) %}
{% set mart = published[name] %}
{% set columns = mart.columns | list %}
{% set fixed = columns | reject('in', mart.meta.moving) | list %}
{% set as_of = to_utc("'" ~ mart.as_of ~ "'") %}
{% for side, relation in [('before', mart.relation), ('after', ref(name))] %}
{{ name }}_{{ side }} as (
    select
        *, {{ row_hash(mart.key) }} as row_key, {{ row_hash(columns) }} as content, {{ row_hash(fixed) }} as fixed_content,
        {{ mart.meta.settled_at }} <= {{ as_of }} as is_settled
    from {{ relation }}
),
{% endfor %}

{{ name }}_differing as (
    select coalesce(b.row_key, a.row_key) as row_key
    from (select row_key, content from {{ name }}_before) as b
    full outer join (select row_key, content from {{ name }}_after) as a on b.row_key = a.row_key
    where b.content is distinct from a.content
),

{{ name }}_pairs as (
    select
        d.row_key, coalesce(b.source, a.source) as source, coalesce(b.ticket_id, a.ticket_id) as ticket_id,
        b.row_key is null as is_new, a.row_key is null as is_gone,
        coalesce(b.is_settled and a.is_settled and b.fixed_content <> a.fixed_content, false)
        {% for column in fixed if mart.columns[column] == 'timestamp' and column not in mart.key %}
            or coalesce(b.{{ column }} <= {{ as_of }} and b.{{ column }} is distinct from a.{{ column }}, false)
        {% endfor %} as is_corrected
    from {{ name }}_differing as d
    left join {{ name }}_before as b on d.row_key = b.row_key
    left join {{ name }}_after as a on d.row_key = a.row_key
),

{{ name }}_replaced as (
    select source, ticket_id from {{ name }}_pairs
    where ticket_id is not null
    group by source, ticket_id
    having count(case when is_new then 1 end) > 0 and count(case when is_gone then 1 end) > 0
),

{{ name }}_weighed as (
    select
        p.row_key,
        case
            when p.is_gone and r.ticket_id is null then {{ cause_weight('deletion') }}
            {% if 'excluded_tickets' in published %}
            when p.is_new and e.ticket_id is not null then {{ cause_weight('deletion') }}
            {% endif %}
            when l.ticket_id is not null or p.is_new and r.ticket_id is null then {{ cause_weight('late data') }}
            when p.is_new or p.is_gone or p.is_corrected then {{ cause_weight('correction') }}
            else {{ cause_weight('matured') }}
        end as weight
    from {{ name }}_pairs as p
    left join {{ name }}_replaced as r on p.source = r.source and p.ticket_id = r.ticket_id
    left join {{ ref('int_late_tickets') }} as l on p.source = l.source and p.ticket_id = l.ticket_id
    {% if 'excluded_tickets' in published %}
    left join {{ published['excluded_tickets'].relation }} as e on p.source = e.source and p.ticket_id = e.ticket_id
    {% endif %}
),

{{ name }}_moved as (
    {% for side in ['before', 'after'] %}
    select {{ columns | map('replace', '', 's.', 1) | join(', ') }}, w.weight
    from {{ name }}_{{ side }} as s
    inner join {{ name }}_weighed as w on s.row_key = w.row_key
    {{ 'union all' if not loop.last }}
    {% endfor %}
)
{% endmacro %}

{#- CTEs about a KPI table, the last `<name>_restated`: one row per changed cell and column. A cell's cause is the strongest among
    the rows that moved in its period and member, else in its period (a member may be the group at some other time), else in its
    member; if none did, something else corrected it. A table that does not mature (meta) is final once a period is closed: the
    strongest among all rows that moved, and no maturing. #}
{% macro restated_cells(name, published) %}
{% set mart = published[name] %}
{% set facts = mart.meta.facts if published.get(mart.meta.facts, {}).key else none %}
{% set numbers = [] %}
{% for column, type in mart.columns.items() if type in ('bigint', 'integer', 'double') and column not in mart.key + ['definition_version'] %}
{% do numbers.append(column) %}
{% endfor %}
{% set last_day = business_date(to_utc("'" ~ mart.as_of ~ "'")) %}
{% for side, relation in [('was', mart.relation), ('is', ref(name))] %}
{{ name }}_{{ side }} as (
    select {{ mart.key | join(', ') }}, {{ numbers | join(', ') }}, {{ row_hash(mart.key + numbers) }} as content
    from {{ relation }}
    where case period_grain
        {% for grain in period_grains() if grain != 'all' %}
        when '{{ grain }}' then period_start < {{ period_start(grain, last_day) }}
        {% endfor %}
        else false
    end
),
{% endfor %}

{{ name }}_changed as (
    select
        {% for column in mart.key %}coalesce(b.{{ column }}, a.{{ column }}) as {{ column }}, {% endfor %}
        {% for column in numbers %}
        cast(b.{{ column }} as double) as was_{{ column }}, cast(a.{{ column }} as double) as is_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from (select w.* from {{ name }}_was as w where not exists (select 1 from {{ name }}_is as i where i.content = w.content)) as b
    full outer join (
        select i.* from {{ name }}_is as i where not exists (select 1 from {{ name }}_was as w where w.content = i.content)
    ) as a on {% for column in mart.key %}b.{{ column }} = a.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}

    {#- A row of zeros that comes or goes says nothing. #}
    where {% for column in numbers %}coalesce(b.{{ column }}, 0) <> 0 or coalesce(a.{{ column }}, 0) <> 0{{ ' or ' if not loop.last }}{% endfor %}

),

{% if facts and not mart.cause %}
{{ name }}_facts as (
    select *, {{ business_date(mart.meta.time) if mart.meta.time else 'cast(null as date)' }} as day from {{ facts }}_moved
),

{{ name }}_reasons as (
    {{ group_by_period_and_dimension(name ~ '_facts', dimensions_of(published[facts].columns), [], 'max(weight) as weight', false) }}
),
{% endif %}

{{ name }}_caused as (
    select
        c.*,
        {% if mart.cause %}
        {{ cause_weight(mart.cause) }} as weight
    from {{ name }}_changed as c
        {% elif facts and mart.meta.matures is sameas false %}
        case when a.weight > {{ cause_weight('matured') }} then a.weight else {{ cause_weight('correction') }} end as weight
    from {{ name }}_changed as c
    left join {{ name }}_reasons as a on a.period_grain = 'all' and a.dimension = 'all'
        {% elif facts %}
        coalesce(p.weight, a.weight, m.weight, {{ cause_weight('correction') }}) as weight
    from {{ name }}_changed as c
    left join {{ name }}_reasons as a on c.period_grain = a.period_grain and c.period_start = a.period_start and a.dimension = 'all'
    left join {{ name }}_reasons as p
        on c.period_grain = p.period_grain and c.period_start = p.period_start and c.dimension = p.dimension and c.member = p.member
    left join {{ name }}_reasons as m on m.period_grain = 'all' and c.dimension = m.dimension and c.member = m.member
        {% else %}
        {{ cause_weight('correction') }} as weight
    from {{ name }}_changed as c
        {% endif %}
),

{{ name }}_restated as (
    {% for column in numbers %}
    select
        '{{ name }}' as mart,
        {% for part in mart.key %}coalesce(cast({{ part }} as varchar), ''){{ " || '/' || " if not loop.last }}{% endfor %} as key,
        period_grain, period_start, dimension, member, '{{ column }}' as column_name, was_{{ column }} as before, is_{{ column }} as after,
        weight
    from {{ name }}_caused
    where was_{{ column }} is distinct from is_{{ column }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)
{% endmacro %}

{#- Rows of the journal: the definitions that are another one now, with the versions of both. Where the version is the same, the column is
    `definition`. #}
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
