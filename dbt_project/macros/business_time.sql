{#- Business time is a subtraction of two positions on the opening clock: by (schedule, UTC date), no join with weeks. #}

{% macro join_business_position(name, ticket, ts, schedule='in_force') %}
left join {{ ref('int_ticket_schedules') }} as {{ name }}_s
    on {{ name }}_s.source = {{ ticket }}.source and {{ name }}_s.ticket_id = {{ ticket }}.ticket_id
    {% if schedule == 'last' %}
    and {{ name }}_s.is_last and {{ name }}_s.has_switched
    {% else %}
    and {{ ts }} >= {{ name }}_s.valid_from and {{ ts }} < {{ name }}_s.valid_to
    {% endif %}
left join {{ ref('int_business_calendar') }} as {{ name }}_c
    on {{ name }}_c.schedule_key = {{ name }}_s.schedule_key
    and {{ name }}_c.utc_date = cast({{ ts }} as date)
    and {{ ts }} >= {{ name }}_c.starts_at and {{ ts }} < {{ name }}_c.ends_at
{% endmacro %}

{% macro open_micros(calendar, ts) -%}
({{ calendar }}.open_micros_before + case when {{ calendar }}.is_open then {{ micros_between(calendar ~ '.starts_at', ts) }} else 0 end)
{%- endmacro %}

{% macro business_position(name, ts) -%}
({{ open_micros(name ~ '_c', ts) }} + {{ name }}_s.position_offset)
{%- endmacro %}

{% macro join_business_positions(name, ticket, ts) %}
{{ join_business_position(name, ticket, ts) }}
{{ join_business_position(name ~ '_last', ticket, ts, 'last') }}
{% endmacro %}

{% macro business_positions(name, ts, column) -%}
{{ business_position(name, ts) }} as {{ column }},
    coalesce({{ business_position(name ~ '_last', ts) }}, {{ business_position(name, ts) }}) as {{ column }}_last_schedule
{%- endmacro %}

{% macro rule_source(alias) -%}coalesce(nullif({{ alias }}.source, ''), '*'){%- endmacro %}

{% macro rule_schedule_key(alias) -%}({{ rule_source(alias) }} || '/' || coalesce({{ alias }}.schedule_id, '')){%- endmacro %}

{% macro offset_micros(ts, zone) %}{{ return(micros_between(ts, local_time(ts, zone))) }}{% endmacro %}
