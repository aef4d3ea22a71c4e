{#- What each engine says differently about JSON. `shape` is a mapping of field name to type, nested as the payload is. #}

{#- One typed struct per payload, parsed once. A field of another type becomes null; text fields take anything. #}
{% macro parse_json(column, shape) %}{{ return(adapter.dispatch('parse_json')(column, shape)) }}{% endmacro %}
{% macro default__parse_json(column, shape) %}from_json({{ column }}, '{{ tojson(shape) }}'){% endmacro %}

{#- The values of an array field as a list of JSON texts. #}
{% macro json_array(column, path) %}{{ return(adapter.dispatch('json_array')(column, path)) }}{% endmacro %}
{% macro default__json_array(column, path) %}from_json(json_extract({{ column }}, '{{ path }}'), '["JSON"]'){% endmacro %}

{#- The key names of each object in an array field, in order. #}
{% macro json_array_keys(column, path) %}{{ return(adapter.dispatch('json_array_keys')(column, path)) }}{% endmacro %}
{% macro default__json_array_keys(column, path) %}list_transform({{ json_array(column, path) }}, x -> json_keys(x)){% endmacro %}

{#- All columns but some. #}
{% macro star_except(columns, alias=none) %}{{ return(adapter.dispatch('star_except')(columns, alias)) }}{% endmacro %}
{% macro default__star_except(columns, alias) %}{% if alias %}{{ alias }}.{% endif %}* exclude ({{ columns | join(', ') }}){% endmacro %}

{#- Whether a condition on `element` holds for any element of a list. #}
{% macro any_element(list, element, condition) %}{{ return(adapter.dispatch('any_element')(list, element, condition)) }}{% endmacro %}
{% macro default__any_element(list, element, condition) %}len(list_filter({{ list }}, lambda {{ element }}: {{ condition }})) > 0{% endmacro %}

{#- `value` of each `element` of a list. #}
{% macro each_element(list, element, value) %}{{ return(adapter.dispatch('each_element')(list, element, value)) }}{% endmacro %}
{% macro default__each_element(list, element, value) %}list_transform({{ list }}, lambda {{ element }}: {{ value }}){% endmacro %}

{#- The texts `value` of the elements for which `condition` holds, a line each; null when there are none. #}
{% macro joined_texts(list, element, condition, value) %}{{ return(adapter.dispatch('joined_texts')(list, element, condition, value)) }}{% endmacro %}
{% macro default__joined_texts(list, element, condition, value) -%}
nullif(array_to_string(
    list_transform(list_filter({{ list }}, lambda {{ element }}: {{ condition }}), lambda {{ element }}: {{ value }}), chr(10)
), '')
{%- endmacro %}

{#- Whether a regular expression matches somewhere in a text: one pass, however many alternatives. #}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches')(text, pattern)) }}{% endmacro %}
{% macro default__matches(text, pattern) %}regexp_matches({{ text }}, '{{ pattern }}'){% endmacro %}

{#- A list of structs of two texts: a name, and the value of the column `prefix` || name. #}
{% macro pair_list(key, value, names, prefix) %}{{ return(adapter.dispatch('pair_list')(key, value, names, prefix)) }}{% endmacro %}
{% macro default__pair_list(key, value, names, prefix) %}
{%- set pairs = [] -%}
{%- for name in names -%}{%- do pairs.append("{'" ~ key ~ "': '" ~ name ~ "', '" ~ value ~ "': cast(" ~ prefix ~ name ~ " as varchar)}") -%}{%- endfor -%}
cast([{{ pairs | join(', ') }}] as struct({{ key }} varchar, {{ value }} varchar)[])
{%- endmacro %}
