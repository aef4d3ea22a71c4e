{#- The dimensions by which KPIs are split: rows of the rule file `dimensions`. #}

{% macro record_columns() %}
{{ return([
    'source', 'survey', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id', 'organization_id'
]) }}
{% endmacro %}

{% macro dimensions() %}
{% if not execute %}{% do ref('dimensions') %}{{ return({}) }}{% endif %}
{% set rules = {} %}
{% for row in run_query(
    'select dimension, record_column, grains, offered_by, coalesce(is_in_scorecard, true) from rules.dimensions order by dimension'
).rows %}
{% do rules.update({row[0]: {
    'column': row[1], 'grains': row[2].split() if row[2] else period_grains(), 'offered_by': row[3].split() if row[3] else [],
    'is_in_scorecard': row[4]
}}) %}
{% endfor %}
{{ return(rules) }}
{% endmacro %}

{% macro own_dimensions() %}
{% set names = [] %}
{% for name, rule in dimensions().items() if not rule.column %}{% do names.append(name) %}{% endfor %}
{{ return(names) }}
{% endmacro %}

{% macro stated_dimensions(prefix) -%}
{{ pair_list('dimension', 'member', own_dimensions(), prefix) }}
{%- endmacro %}

{% macro no_dimensions() -%}{{ pair_list('dimension', 'member', [], '') }}{%- endmacro %}

{% test is_dimension(model) %}
select dimension, problem
from (
    select
        dimension,
        case
            when dimension is null or not {{ matches('dimension', '^[a-z][a-z0-9_]*$') }} then 'its name is not of lower-case letters, digits and _'
            when dimension in ('all', 'handle_seconds') or record_column is null and dimension in ('{{ record_columns() | join("', '") }}')
                then 'its name is taken'
            when record_column not in ('{{ record_columns() | join("', '") }}')
                then 'record_column is none of {{ record_columns() | join(", ") }}; it is empty for a dimension of your own'
            when not {{ matches("coalesce(grains, '') || ' '", '^ *((' ~ period_grains() | join('|') ~ ') +)*$') }}
                then 'grains are some of {{ period_grains() | join(" ") }}, separated by spaces; empty for all'
            when not {{ matches("coalesce(offered_by, '') || ' '", '^ *((tickets|answers|kpi_[a-z_]+) +)*$') }}
                then 'offered_by is tickets, answers or names of KPI tables, separated by spaces; empty for all'
        end as problem
    from {{ model }}
) as r
where problem is not null
{% endtest %}

{% test known_dimension(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} <> 'all' and {{ column_name }} not in (select d.dimension from {{ ref('dimensions') }} as d)
{% endtest %}
