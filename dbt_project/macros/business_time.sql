{#- Business time is a subtraction of two positions on the opening clock: by (schedule, UTC date), no join with weeks. #}

{#- Joins that find where the time `ts` of a ticket stands on the clock of the schedules in force. Gives alias `<name>`. #}
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

{#- Open microseconds on one schedule's clock before `ts`, for a joined calendar segment. #}
{% macro open_micros(calendar, ts) -%}
({{ calendar }}.open_micros_before + case when {{ calendar }}.is_open then {{ micros_between(calendar ~ '.starts_at', ts) }} else 0 end)
{%- endmacro %}

{#- The position of a joined `name`. Differences of two positions of one ticket are business microseconds; additive by construction. #}
{% macro business_position(name, ts) -%}
({{ open_micros(name ~ '_c', ts) }} + {{ name }}_s.position_offset)
{%- endmacro %}

{#- Joins and durations from `a` to `b` by both conventions. Names must differ within a query. #}
{% macro join_business_span(name, ticket, a, b) %}
{{ join_business_position(name ~ '_from', ticket, a) }}
{{ join_business_position(name ~ '_to', ticket, b) }}
{{ join_business_position(name ~ '_from_last', ticket, a, 'last') }}
{{ join_business_position(name ~ '_to_last', ticket, b, 'last') }}
{% endmacro %}

{#- Over the schedules in force. #}
{% macro business_micros(name, a, b) -%}
({{ business_position(name ~ '_to', b) }} - {{ business_position(name ~ '_from', a) }})
{%- endmacro %}

{#- By the ticket's last schedule throughout; the same where it had only one. #}
{% macro business_micros_last_schedule(name, a, b) -%}
coalesce(
        {{ business_position(name ~ '_to_last', b) }} - {{ business_position(name ~ '_from_last', a) }},
        {{ business_micros(name, a, b) }}
    )
{%- endmacro %}
