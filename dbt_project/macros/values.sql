{#- Which of a vendor's values can be used. What a row needs rejects it (`reject_reason`); what it may lack is null and listed
    (`rejected_values`). #}

{#- Why a time is none; null where it is one or absent ("redacted" counts as that). A day's grace for clocks that differ; a due time may lie
    further, `days` after the fetch. #}
{% macro time_fault(text, days=1) -%}
case
        when {{ text }} is null or {{ text }} in ('', 'redacted') then null
        when {{ to_utc(text) }} is null then 'is no date'
        when {{ to_utc(text) }} < timestamp '1990-01-01' then 'is before 1990'
        when {{ to_utc(text) }} > {{ add_days('fetched_at', days) }} then 'is {{ 'later than the fetch' if days == 1 else 'too far away' }}'
    end
{%- endmacro %}

{#- A vendor's text as UTC, null where it can be no time. Reads fetched_at, as time_fault does. #}
{% macro usable_time(text, days=1) -%}case when {{ time_fault(text, days) }} is null then {{ to_utc(text) }} end{%- endmacro %}

{#- A hundred years. #}
{% macro due_days() %}{{ return(36525) }}{% endmacro %}

{% macro is_known(text, known) -%}{{ text }} in ('{{ known | join("', '") }}'){%- endmacro %}

{#- Reasons to reject a row. #}
{% macro missing(text, name) -%}case when {{ text }} is null or {{ text }} = '' then '{{ name }} is missing' end{%- endmacro %}
{% macro bad_time(text, name) -%}'{{ name }} ' || {{ time_fault(text) }}{%- endmacro %}
{% macro unknown_value(text, name, known) -%}case when not {{ is_known(text, known) }} then '{{ name }} has an unknown value' end{%- endmacro %}

{#- Values that a row may lack: each with its field, the vendor's text, what is taken of it, and the fault of a text that cannot be used.
    `usable` gives their columns, `rejected_values` what is left out. #}
{% macro time_value(field, text, days=1) %}
{{ return({'field': field, 'text': text, 'value': usable_time(text, days), 'fault': time_fault(text, days)}) }}
{% endmacro %}

{#- A count or a duration, up to 1e15. #}
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

{#- Elements of a list that cannot be used, told together. Who reads the list leaves them out. #}
{% macro list_value(field, list, element, is_unusable, text, fault='is unknown') %}
{{ return({
    'field': field, 'text': joined_texts(list, element, is_unusable, 'coalesce(cast(' ~ text ~ " as varchar), '')"),
    'fault': 'case when ' ~ any_element(list, element, is_unusable) ~ " then '" ~ fault ~ "' end"
}) }}
{% endmacro %}

{#- The columns of such values. #}
{% macro usable(values) -%}
{%- for v in values if v['value'] is defined %}
    {{ v['value'] }} as {{ v['field'] }},
{%- endfor %}
{%- endmacro %}

{#- What is left out of an accepted row: a list of (field, value_shape, reason), null for nothing. more: further such lists. #}
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
