{#- What times may not say: that something happened to a ticket before it was created, or a survey was answered before it was sent. Decided in
    int_tickets, int_ticket_events, int_declared_targets, int_sla_events, int_answers and int_survey_sends; whoever reads those sees times
    that can be, and flags for those that cannot. #}

{% macro clock_skew_micros() %}60000000{% endmacro %}

{% macro is_misdated(ts, created_at) -%}
coalesce({{ micros_between(ts, created_at) }} >= {{ clock_skew_micros() }}, false)
{%- endmacro %}

{% macro time_since(created_at, ts) -%}
case when {{ micros_between(ts, created_at) }} < {{ clock_skew_micros() }} then greatest({{ ts }}, {{ created_at }}) end
{%- endmacro %}

{% macro begins_with_ticket(ts, created_at) -%}
({{ micros_between(created_at, ts) }} < {{ clock_skew_micros() }})
{%- endmacro %}

{% macro time_shape() %}'9999-99-99 99:99:99'{% endmacro %}
