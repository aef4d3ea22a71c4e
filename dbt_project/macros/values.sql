{#- Which of a vendor's values can be used. What a row needs rejects it (`reject_reason`); what it may lack is null and listed
    (`rejected_values`). #}

{% macro time_fault(text, days=1) -%}
case
        when {{ text }} is null or {{ text }} in ('', 'redacted') then null
        when {{ to_utc(text) }} is null then 'is no date'
        when {{ to_utc(text) }} < timestamp '1990-01-01' then 'is before 1990'
        when {{ to_utc(text) }} > {{ add_days('fetched_at', days) }} then 'is {{ 'later than the fetch' if days == 1 else 'too far away' }}'
    end
{%- endmacro %}

{% macro usable_time(text, days=1) -%}case when {{ time_fault(text, days) }} is null then {{ to_utc(text) }} end{%- endmacro %}

{% macro due_days() %}{{ return(36525) }}{% endmacro %}

{% macro is_known(text, known) -%}{{ text }} in ('{{ known | join("', '") }}'){%- endmacro %}

{% macro missing(text, name) -%}case when {{ text }} is null or {{ text }} = '' then '{{ name }} is missing' end{%- endmacro %}
{% macro bad_time(text, name) -%}'{{ name }} ' || {{ time_fault(text) }}{%- endmacro %}
{% macro unknown_value(text, name, known) -%}case when not {{ is_known(text, known) }} then '{{ name }} has an unknown value' end{%- endmacro %}

{% macro time_value(field, text, days=1) %}
{{ return({'field': field, 'text': text, 'value': usable_time(text, days), 'fault': time_fault(text, days)}) }}
{% endmacro %}

{% macro number_value(field, text, type='bigint') %}
{% set number = 'try_cast(' ~ text ~ ' as double)' %}
{% set fault -%}
case
        when {{ text }} is null or {{ text }} in ('', 'redacted') then null
        when coalesce({{ number }} > 1e15, true) then 'is no number'
        when {{ number }} < 0 then 'is negative'
    end
{%- endset %}
{{ return({
    'field': field, 'text': text, 'fault': fault,
    'value': 'case when ' ~ number ~ ' between 0 and 1e15 then try_cast(' ~ text ~ ' as ' ~ type ~ ') end'
}) }}
{% endmacro %}

{% macro word_value(field, text, known) %}
{{ return({
    'field': field, 'text': text, 'value': 'case when ' ~ is_known(text, known) ~ ' then ' ~ text ~ ' end',
    'fault': 'case when not ' ~ is_known(text, known) ~ " then 'is unknown' end"
}) }}
{% endmacro %}

{% macro list_value(field, list, element, is_unusable, text, fault='is unknown') %}
{{ return({
    'field': field, 'text': joined_texts(list, element, is_unusable, 'coalesce(cast(' ~ text ~ " as varchar), '')"),
    'fault': 'case when ' ~ any_element(list, element, is_unusable) ~ " then '" ~ fault ~ "' end"
}) }}
{% endmacro %}

{% macro usable(values) -%}
{%- for v in values if v['value'] is defined %}
    {{ v['value'] }} as {{ v['field'] }},
{%- endfor %}
{%- endmacro %}

{% macro rejected_values(values=[], more=[]) -%}{{ faults_of(values, more + [lost_text()]) }} as rejected_values{%- endmacro %}

{% macro faults_of(values, more=[]) -%}
{%- set triples, reasons = [], [] -%}
{%- for v in values -%}
{%- do triples.append(("'" ~ v['field'] ~ "'", value_shape(v['text']), v['fault'])) -%}
{%- do reasons.append(v['fault']) -%}
{%- endfor -%}
{#- Most rows have none: their list is not made. #}
{%- set found = ['case when coalesce(' ~ reasons | join(', ') ~ ', null) is not null then ' ~ faults(triples) ~ ' end'] if values else [] -%}
{{ joined_faults(found + more) }}
{%- endmacro %}
