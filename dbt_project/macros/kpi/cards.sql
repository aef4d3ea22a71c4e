{#- What SQL reads off the KPIs' cards (models/kpis/*.yml, handed over by macros/generated/cards.sql). #}

{% macro kpi_name() %}{{ return((model.get('tested_node_unique_id') or model.unique_id).split('.')[-1]) }}{% endmacro %}
{% macro card() %}{{ return(cards()[kpi_name()]) }}{% endmacro %}

{% macro told_sql(text) -%}{{ text | replace(':as_of', as_of()) }}{%- endmacro %}

{% macro kpis_with_members() %}{{ return(cards().items() | selectattr('1.members') | map(attribute=0) | list) }}{% endmacro %}
{% macro kpis_with_headlines() %}{{ return(cards().items() | selectattr('1.headlines') | map(attribute=0) | list) }}{% endmacro %}
{% macro journalled_kpis() %}{{ return(cards().items() | rejectattr('1.journalled', 'sameas', false) | map(attribute=0) | list) }}{% endmacro %}

{% macro counted_facts() -%}
{%- set card = card() -%}
select *, {{ business_date(told_sql(card.time)) }} as day
from {{ with_own_dimensions(card.facts) }} as facts
where {{ card.where or 'true' }}
{%- endmacro %}

{% macro measures() %}
{% set measures = [] %}
{% for told in card().members %}{% do measures.append((told.constants, told.constants.values() | join('_'), told)) %}{% endfor %}
{{ return(measures) }}
{% endmacro %}

{% macro key_rows() -%}
{%- set card = card() -%}
(
    select *
    from {% for column in card.key -%}
        {{ ', ' if not loop.first }}(
        {%- for value in card['values'].get(column, []) %}select '{{ value }}' as {{ column }}{{ ' union all ' if not loop.last }}
        {%- else %}select distinct {{ column }} from facts
        {%- endfor %}) as k{{ loop.index }}
    {%- endfor %}
)
{%- endmacro %}

{% macro join_member_label(cell='c') -%}
left join {{ ref('int_member_labels') }} as l on {{ cell }}.dimension = l.dimension and {{ cell }}.member = l.member
{%- endmacro %}

{% macro join_definition(kpi=none) -%}
left join {{ ref('kpi_definitions') }} as d on d.kpi = {{ kpi or definition_by_key(card()) }}
{%- endmacro %}

{% macro definition_by_key(card) -%}
{%- if card.definition is mapping -%}
{%- set column, names = (card.definition.items() | list)[0] -%}
case c.{{ column }} {% for value, name in names.items() %}when '{{ value }}' then '{{ name }}' {% endfor %}end
{%- else -%}
{{ filled_template(card.definition, card.key, 'c.') }}
{%- endif -%}
{%- endmacro %}

{% macro filled_template(template, columns, prefix='') -%}
{%- set filled = namespace(sql="'" ~ template ~ "'") -%}
{%- for column in columns -%}{%- set filled.sql = filled.sql | replace('{' ~ column ~ '}', "' || " ~ prefix ~ column ~ " || '") -%}{%- endfor -%}
{{ filled.sql }}
{%- endmacro %}

{% macro wide_facts() -%}
{%- set card = card() -%}
{%- set columns = offered_dimensions(kpi_name()).values() -%}
{%- for relation in measures() | map(attribute=2) | map(attribute='relation') | unique %}
select
    {{ business_date(told_sql(card.time)) }} as day,{% for column in columns %} {{ column }},{% endfor %}
    {% for _, measure, told in measures() %}
    {% if told.relation == relation %}case when {{ told.where }} then {{ told.value }} end{% else %}null{% endif %} as {{ measure }},
    {% if told.origin and told.relation == relation -%}
    case when {{ told.where }} and {{ told.origin }} = 'vendor' then 1 end
    {%- else -%}
    cast(null as integer)
    {%- endif %} as {{ measure }}_by_vendor
    {{- ',' if not loop.last }}
    {% endfor %}
from {{ with_own_dimensions(relation) }} as facts
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}
