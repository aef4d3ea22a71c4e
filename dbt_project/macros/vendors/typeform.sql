{#- What a form's hidden fields are called: rows of the rule file `hidden_fields`, the most exact first, then what they stand for itself. #}

{% macro hidden_attributes() %}
{{ return(['ticket_id', 'customer_id', 'customer_email', 'sent_at', 'segment', 'product', 'service_area', 'complexity'] + own_dimensions()) }}
{% endmacro %}

{% macro hidden_fields() %}
{% set fields = [] %}
{% if execute %}
{% for row in run_query(
    "select attribute, hidden_field, source, survey from rules.hidden_fields
    order by attribute, case when source = '*' then 1 else 0 end, case when survey is null then 1 else 0 end, source, survey, hidden_field"
).rows %}
{% do fields.append({'attribute': row[0], 'name': row[1], 'source': row[2], 'survey': row[3]}) %}
{% endfor %}
{% else %}
{% do ref('hidden_fields') %}
{% endif %}
{% for name in hidden_attributes() %}{% do fields.append({'attribute': name, 'name': name, 'source': '*', 'survey': none}) %}{% endfor %}
{{ return(fields) }}
{% endmacro %}

{% macro is_form_of(field, form_id) -%}
(
    {{- 'true' if field.source == '*' else "source = '" ~ field.source | replace("'", "''") ~ "'" }}
    {%- if field.survey %} and {{ form_id }} = '{{ field.survey | replace("'", "''") }}'{% endif -%}
)
{%- endmacro %}

{% macro hidden_value(attribute, fields, form_id) -%}
{%- set value -%}
coalesce(
    {%- for field in fields if field.attribute == attribute -%}
    case when {{ is_form_of(field, form_id) }} then nullif(trim({{ named_field('p.hidden', field.name) }}), '') end{{ ', ' if not loop.last }}
    {%- endfor -%}
)
{%- endset -%}
{{ plain_id(value) if attribute in ['ticket_id', 'customer_id'] else value }}
{%- endmacro %}
