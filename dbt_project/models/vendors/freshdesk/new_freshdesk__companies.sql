{%- set attributes = ['segment', 'product', 'service_area', 'complexity'] + own_dimensions() -%}
{%- set fields = {} -%}
{#- A field of the account's own is named with cf_ in front, or without. #}
{%- for name in attributes -%}{% do fields.update({name: 'VARCHAR', 'cf_' ~ name: 'VARCHAR'}) %}{%- endfor -%}
{%- set shape = {'name': 'VARCHAR', 'created_at': 'VARCHAR', 'custom_fields': fields} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
with landed as ({{ landed('freshdesk', 'companies', shape) }}),

given as (
    select
        *
        {% for name in attributes %}
        , coalesce(p.custom_fields.{{ name }}, p.custom_fields.cf_{{ name }}) as field_{{ name }}
        {% endfor %}
    from landed
)

select
    {{ envelope() }},
    p.name as organization_name,
    {{ usable(values) }}
    {% for name in ['segment', 'product', 'service_area', 'complexity'] %}
    field_{{ name }} as {{ name }},
    {% endfor %}
    {{ stated_dimensions('field_') }} as dimensions,
    {{ rejected_values(values) }},
    {{ reject_reason(['null']) }}
from given
