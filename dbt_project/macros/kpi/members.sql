{#- metric_members and kpi_cell: the records behind the cells of the KPI tables, as their cards tell them. #}

{% macro member_columns() %}
{{ return({
    'kpi': 'varchar', 'key': 'varchar', 'source': 'varchar', 'ticket_id': 'varchar', 'response_id': 'varchar', 'question_id': 'varchar',
    'record_id': 'varchar', 'day': 'date', 'until_day': 'date', 'survey': 'varchar', 'segment': 'varchar', 'product': 'varchar', 'service_area': 'varchar',
    'complexity': 'varchar', 'channel': 'varchar', 'priority': 'varchar', 'group_id': 'varchar', 'agent_id': 'varchar', 'organization_id': 'varchar',
    'support_type': 'varchar', 'own_dimensions': 'varchar[]', 'outcome': 'varchar', 'in_numerator': 'boolean', 'in_denominator': 'boolean', 'value': 'double'
}) }}
{% endmacro %}

{% macro members_of(kpi, told) %}
{%- set card = cards()[kpi] -%}
{%- set has = counted_marts().get(told.relation, {'columns': []}).columns -%}
{%- set bridge, bridge_key = bridge_of(told.relation) -%}
{%- set has_own = own_dimensions() and (card.dimensions or 'rules') != 'rules' and card.own_dimensions is not sameas false -%}
{%- set says = {
    'kpi': "'" ~ kpi ~ "'", 'key': member_key(card, told), 'day': told.day or business_date(told_sql(told.time or card.time)),
    'record_id': told.record_id, 'outcome': told.outcome, 'in_numerator': told.numerator, 'in_denominator': told.denominator or 'true',
    'value': told.value, 'agent_id': 'agent_id' if 'agent_id' in has else 'assignee_id' if 'assignee_id' in has,
    'own_dimensions': 'list_concat(' ~ told.own_dimensions ~ ', d.own_dimensions)' if has_own and told.own_dimensions
        else told.own_dimensions or ('d.own_dimensions' if has_own)
} -%}
select
    {% for name, type in member_columns().items() %}
    cast({{ says[name] or ('m.' ~ name if name in has else 'null') }} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ ref(told.relation) }} as m
{% if has_own %}left join own_{{ bridge }} as d on {% for column in bridge_key %}m.{{ column }} = d.its_{{ column }}{{ ' and ' if not loop.last }}{% endfor %}{% endif %}

where {{ told_sql(told.where or (card.where if told.relation == card.facts) or 'true') }}
{% endmacro %}

{% macro member_key(card, told) -%}
{%- if told.key is string -%}'{{ told.key }}'
{%- elif not card.key -%}''
{%- else -%}
{%- for column in card.key -%}
{%- if column in (told.constants or {}) -%}'{{ told.constants[column] }}'
{%- else -%}{{ key_text((told.key or {}).get(column, 'm.' ~ column), card.types[column]) }}
{%- endif -%}
{{ " || '/' || " if not loop.last }}
{%- endfor -%}
{%- endif -%}
{%- endmacro %}

{% macro key_text(column, type) -%}
{%- if type == 'double' -%}{{ plain_number(column) }}{%- elif type == 'varchar' -%}{{ column }}{%- else -%}cast({{ column }} as varchar){%- endif -%}
{%- endmacro %}

{% macro cell_key(kpi) -%}
{%- set card = cards()[kpi] -%}
{%- set named = card.members | map(attribute='key') | select('string') | list -%}
{%- if named -%}unnest(['{{ named | join("', '") }}'])
{%- elif not card.key -%}''
{%- else -%}
{%- for column in card.key -%}{{ key_text('t.' ~ column, card.types[column]) }}{{ " || '/' || " if not loop.last }}{%- endfor -%}
{%- endif -%}
{%- endmacro %}

{% macro day_before_or_today(at) -%}
case when {{ at }} <= {{ as_of() }} then cast({{ add_days(business_date(at), -1) }} as date) else {{ business_date(as_of()) }} end
{%- endmacro %}

{% macro age_bucket_rows() -%}
{%- set rules = ref('age_buckets') -%}
{%- set buckets = run_query('select age_bucket, from_days from ' ~ rules ~ ' order by from_days').rows if execute else [] -%}
{%- for b in buckets %}
select '{{ b.age_bucket | replace("'", "''") }}' as age_bucket, {{ b.from_days }} as from_days, {{ 100000 if loop.last else buckets[loop.index].from_days }} as to_days
{{ 'union all' if not loop.last }}
{%- else %}
select 'none' as age_bucket, 0 as from_days, 0 as to_days where false
{%- endfor %}
{%- endmacro %}

{% macro keep_published_sql(place, name, sql) %}
delete from control.published_sql where name = '{{ name }}';
insert into control.published_sql values ({{ place }}, '{{ name }}', '{{ sql | replace("'", "''") }}');
{% endmacro %}
{% macro keep_published_view(place) %}
{% if execute %}{{ keep_published_sql(place, this.identifier, 'create view ' ~ this.identifier ~ ' as ' ~ in_published_file(compiled_code)) }}{% endif %}
{% endmacro %}
{% macro keep_kpi_cell(place) %}
{% if execute %}{{ keep_published_sql(place, 'kpi_cell', in_published_file(kpi_cell_sql())) }}{% endif %}
{% endmacro %}
{% macro in_published_file(sql) %}{{ return(sql | replace(this.include(identifier=false) ~ '.', '') | replace('control.as_of()', 'as_of()')) }}{% endmacro %}
