{#- The dimensions by which KPIs are split: rows of the rule file `dimensions`. #}

{% macro record_columns() %}
{{ return([
    'source', 'survey', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id', 'agent_id', 'organization_id',
    'support_type'
]) }}
{% endmacro %}

{# Read once a model: what a model's macros share is its own description alone. #}
{% macro dimensions() %}
{% if not execute %}{% do ref('dimensions') %}{{ return({}) }}{% endif %}
{% if 'dimensions' not in model %}
{% set rules = {} %}
{% for row in run_query(
    'select dimension, record_column, grains, offered_by, coalesce(is_in_scorecard, true) from rules.dimensions order by dimension'
).rows %}
{% do rules.update({row[0]: {
    'column': row[1], 'grains': row[2].split() if row[2] else period_grains(), 'offered_by': row[3].split() if row[3] else [],
    'is_in_scorecard': row[4]
}}) %}
{% endfor %}
{% do model.update({'dimensions': rules}) %}
{% endif %}
{{ return(model.dimensions) }}
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

{% macro dimension_column(name, rule, columns) %}
{% if not rule.column %}{{ return('own_' ~ name) }}{% endif %}
{{ return('assignee_id' if rule.column == 'agent_id' and 'agent_id' not in columns else rule.column) }}
{% endmacro %}

{% macro offered_dimensions(kpi) %}
{% set card = cards()[kpi] %}
{% set told = card.dimensions or 'rules' %}
{% set columns = counted_marts().get(card.facts, {}).columns or [] %}
{% set offered = {} %}
{% for name, rule in dimensions().items() if told != 'rules' %}
{% set column = dimension_column(name, rule, columns) %}
{% set is_known = column in columns if rule.column else card.own_dimensions is not sameas false %}
{% set is_told = told is string or not rule.column or name in told or kpi in rule.offered_by %}
{% if is_known and is_told and (not rule.offered_by or kpi in rule.offered_by or told in rule.offered_by) %}
{% do offered.update({name: column}) %}
{% endif %}
{% endfor %}
{{ return(offered) }}
{% endmacro %}

{% macro grains_of(dimension) %}
{% set rule = dimensions().get(dimension) %}
{{ return(period_grains() | select('in', rule.grains) | list if rule else period_grains()) }}
{% endmacro %}

{% macro ticket_member(dimension) -%}
{%- set columns = counted_marts()['tickets'].columns -%}
case {{ dimension }}
    when 'all' then 'all'
    {% for name, rule in dimensions().items() if not rule.column or dimension_column(name, rule, columns) in columns %}
    when '{{ name }}' then coalesce(t.{{ dimension_column(name, rule, columns) }}, '(none)')
    {% endfor %}
end
{%- endmacro %}

{% macro bridge_of(mart) %}
{{ return({
    'survey_answers': ('answer_dimensions', ['source', 'response_id', 'question_id']),
    'follow_ups': ('answer_dimensions', ['source', 'response_id', 'question_id']),
    'survey_sends': ('send_dimensions', ['source', 'survey', 'invitation_id'])
}.get(mart, ('ticket_dimensions', ['source', 'ticket_id']))) }}
{% endmacro %}

{#- Aliases throughout: kpi_cell reads views with it, and has parameters of such names. #}
{% macro with_own_dimensions(mart, rows=none, is_before=false) -%}
{%- set bridge, key = bridge_of(mart) -%}
{%- set rows = rows or ref(mart) -%}
{%- if not execute -%}{%- do ref(bridge) -%}{%- endif -%}
{%- set own = own_dimensions() -%}
{%- if not own -%}{{ rows }}
{%- else -%}
(
    select r.*{% for name in own %}, d.own_{{ name }}{% endfor %}

    from {{ rows }} as r
    left join (
        select b.{{ key | join(', b.') }}{% for name in own %}, max(case when b.dimension = '{{ name }}' then b.member end) as own_{{ name }}{% endfor %}

        from {{ before_relation(bridge) if is_before else ref(bridge) }} as b
        group by b.{{ key | join(', b.') }}
    ) as d on {% for column in key %}r.{{ column }} = d.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}

)
{%- endif -%}
{%- endmacro %}

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
