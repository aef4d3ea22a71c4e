{#- What each engine says differently about JSON. `shape` is a mapping of field name to type, nested as the payload is. #}

{% macro parse_json(column, shape) %}{{ return(adapter.dispatch('parse_json')(column, shape)) }}{% endmacro %}
{% macro default__parse_json(column, shape) %}from_json({{ column }}, '{{ tojson(shape) }}'){% endmacro %}

{% macro json_array(column, path) %}{{ return(adapter.dispatch('json_array')(column, path)) }}{% endmacro %}
{% macro default__json_array(column, path) %}from_json(json_extract({{ column }}, '{{ path }}'), '["JSON"]'){% endmacro %}

{% macro json_array_keys(column, path) %}{{ return(adapter.dispatch('json_array_keys')(column, path)) }}{% endmacro %}
{% macro default__json_array_keys(column, path) %}list_transform({{ json_array(column, path) }}, x -> json_keys(x)){% endmacro %}

{#- An object whose names are the source's own, as pairs. #}
{% macro json_pairs(column) %}{{ return(adapter.dispatch('json_pairs')(column)) }}{% endmacro %}
{% macro default__json_pairs(column) -%}
list_transform(
        json_keys({{ column }}),
        lambda k: {'key': k, 'value': json_extract_string({{ column }}, '/' || replace(replace(k, '~', '~0'), '/', '~1'))}
    )
{%- endmacro %}

{% macro star_except(columns, alias=none) %}{{ return(adapter.dispatch('star_except')(columns, alias)) }}{% endmacro %}
{% macro default__star_except(columns, alias) %}{% if alias %}{{ alias }}.{% endif %}* exclude ({{ columns | join(', ') }}){% endmacro %}

{% macro any_element(list, element, condition) %}{{ return(adapter.dispatch('any_element')(list, element, condition)) }}{% endmacro %}
{% macro default__any_element(list, element, condition) %}len(list_filter({{ list }}, lambda {{ element }}: {{ condition }})) > 0{% endmacro %}

{% macro each_element(list, element, value) %}{{ return(adapter.dispatch('each_element')(list, element, value)) }}{% endmacro %}
{% macro default__each_element(list, element, value) %}list_transform({{ list }}, lambda {{ element }}: {{ value }}){% endmacro %}

{% macro joined_texts(list, element, condition, value) %}{{ return(adapter.dispatch('joined_texts')(list, element, condition, value)) }}{% endmacro %}
{% macro default__joined_texts(list, element, condition, value) -%}
nullif(array_to_string(
    list_transform(list_filter({{ list }}, lambda {{ element }}: {{ condition }}), lambda {{ element }}: {{ value }}), chr(10)
), '')
{%- endmacro %}

{% macro elements_where(list, element, condition) %}{{ return(adapter.dispatch('elements_where')(list, element, condition)) }}{% endmacro %}
{% macro default__elements_where(list, element, condition) %}list_filter({{ list }}, lambda {{ element }}: {{ condition }}){% endmacro %}

{% macro faults(triples) %}{{ return(adapter.dispatch('faults')(triples)) }}{% endmacro %}
{% macro default__faults(triples) -%}
list_filter([
        {%- for field, shape, reason in triples %}
        {'field': {{ field }}, 'value_shape': {{ shape }}, 'reason': {{ reason }}}{{ ',' if not loop.last }}
        {%- endfor %}
    ], lambda v: v.reason is not null)
{%- endmacro %}

{% macro faults_of_elements(list, element, field, shape, reason) %}
{{ return(adapter.dispatch('faults_of_elements')(list, element, field, shape, reason)) }}
{% endmacro %}
{% macro default__faults_of_elements(list, element, field, shape, reason) -%}
list_filter(
        list_transform({{ list }}, lambda {{ element }}: {'field': {{ field }}, 'value_shape': {{ shape }}, 'reason': {{ reason }}}),
        lambda v: v.reason is not null
    )
{%- endmacro %}

{% macro joined_faults(lists) %}{{ return(adapter.dispatch('joined_faults')(lists)) }}{% endmacro %}
{% macro default__joined_faults(lists) -%}
nullif(
        cast({{ 'list_concat(' ~ lists | join(', ') ~ ')' if lists | length > 1 else (lists + ['null']) | first }}
            as struct(field varchar, value_shape varchar, reason varchar)[]), []
    )
{%- endmacro %}

{% macro value_shape(text) %}{{ return(adapter.dispatch('value_shape')(text)) }}{% endmacro %}
{% macro default__value_shape(text) -%}
regexp_replace(regexp_replace(left({{ text }}, 40), '[\p{L}\p{M}]', 'a', 'g'), '\p{N}', '9', 'g')
{%- endmacro %}

{% macro address_hash(address) %}{{ return(adapter.dispatch('address_hash')(address)) }}{% endmacro %}
{% macro default__address_hash(address) %}sha256(lower(trim({{ address }}))){% endmacro %}

{#- A name of the source's own, whatever is in it: of a struct the engine takes names that differ in case alone for one. #}
{% macro named_field(record, name) %}{{ return(adapter.dispatch('named_field')(record, name)) }}{% endmacro %}
{% macro default__named_field(record, name) %}json_extract_string({{ record }}, '$."{{ name | replace('"', '') | replace("'", "''") }}"'){% endmacro %}

{#- What a table calculation makes of an id: 1000.0. #}
{% macro plain_id(text) %}{{ return(adapter.dispatch('plain_id')(text)) }}{% endmacro %}
{% macro default__plain_id(text) %}regexp_replace({{ text }}, '^(0|[1-9][0-9]*)[.]00?$', '\1'){% endmacro %}

{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}

{#- What stands in a pattern's first group; '' where it does not match. #}
{% macro matched_part(text, pattern) %}{{ return(adapter.dispatch('matched_part')(text, pattern)) }}{% endmacro %}
{% macro default__matched_part(text, pattern) %}regexp_extract({{ text }}, '{{ pattern }}', 1){% endmacro %}

{% macro pair_list(key, value, names, prefix) %}{{ return(adapter.dispatch('pair_list')(key, value, names, prefix)) }}{% endmacro %}
{% macro default__pair_list(key, value, names, prefix) %}
{%- set pairs = [] -%}
{%- for name in names -%}{%- do pairs.append("{'" ~ key ~ "': '" ~ name ~ "', '" ~ value ~ "': cast(" ~ prefix ~ name ~ " as varchar)}") -%}{%- endfor -%}
cast([{{ pairs | join(', ') }}] as struct({{ key }} varchar, {{ value }} varchar)[])
{%- endmacro %}
