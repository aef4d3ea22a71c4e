{#- Dimensions of tickets and of answers, and the columns in which the record marts hold them. #}

{% macro ticket_dimensions() %}
{{ return(['source', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group', 'agent']) }}
{% endmacro %}
{% macro answer_dimensions() %}{{ return(['survey'] + ticket_dimensions()) }}{% endmacro %}

{% macro dimensions_of_card(card) %}
{% set lists = {'tickets': ticket_dimensions(), 'answers': answer_dimensions(), 'rules': []} %}
{% set named = card.dimensions or [] %}
{{ return(dimension_columns(lists[named] if named is string else named, card.facts)) }}
{% endmacro %}

{% macro dimension_columns(names, mart) %}
{% set columns = {} %}
{% for name in names %}
{% do columns.update({name: {'group': 'group_id', 'agent': 'assignee_id' if mart == 'tickets' else 'agent_id'}.get(name, name)}) %}
{% endfor %}
{{ return(columns) }}
{% endmacro %}

{% macro ticket_member(dimension) -%}
case {{ dimension }}
    when 'all' then 'all'
    {% for name, column in dimension_columns(ticket_dimensions(), 'tickets').items() %}
    when '{{ name }}' then coalesce(t.{{ column }}, '(none)')
    {% endfor %}
end
{%- endmacro %}

{% macro by_own_dimension() -%}
select f.*, d.dimension as own_dimension, d.member as own_member
from facts as f
inner join {{ ref('answer_dimensions') }} as d on f.source = d.source and f.response_id = d.response_id and f.question_id = d.question_id
{%- endmacro %}
