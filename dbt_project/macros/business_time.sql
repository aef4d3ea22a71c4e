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

{#- The joins for `business_positions`: on the schedules in force, and on the last one where the ticket has had several. #}
{% macro join_business_positions(name, ticket, ts) %}
{{ join_business_position(name, ticket, ts) }}
{{ join_business_position(name ~ '_last', ticket, ts, 'last') }}
{% endmacro %}

{#- Two columns, `<column>` and `<column>_last_schedule`: where `ts` stands by both conventions. #}
{% macro business_positions(name, ts, column) -%}
{{ business_position(name, ts) }} as {{ column }},
    coalesce({{ business_position(name ~ '_last', ts) }}, {{ business_position(name, ts) }}) as {{ column }}_last_schedule
{%- endmacro %}

{#- The source that a row of the rule files schedules and holidays is for; * is every source without schedules of its own. #}
{% macro rule_source(alias) -%}coalesce(nullif({{ alias }}.source, ''), '*'){%- endmacro %}

{#- The key of the schedule that such a row is about. #}
{% macro rule_schedule_key(alias) -%}({{ rule_source(alias) }} || '/' || coalesce({{ alias }}.schedule_id, '')){%- endmacro %}

{#- How far clocks in `zone` are ahead of UTC at the UTC time `ts`. #}
{% macro offset_micros(ts, zone) %}{{ return(micros_between(ts, local_time(ts, zone))) }}{% endmacro %}
