{#- Ours against the vendors' own numbers. A source takes part with a select of vendor_numbers in int_vendor_numbers and its rows in
    the seed vendor_numbers. #}

{% macro compared_numbers() %}
{% set numbers = [] %}
{% for measure in ['first_reply', 'first_resolution', 'full_resolution', 'requester_wait', 'agent_wait', 'on_hold', 'agent_work'] %}
{% do numbers.append((measure ~ '_calendar', measure, 'calendar', 't.' ~ measure ~ '_seconds')) %}
{% do numbers.append((measure ~ '_business', measure, 'business', 't.' ~ measure ~ '_business_seconds')) %}
{% endfor %}
{% do numbers.append(('first_reply_exact', 'first_reply', 'calendar', 't.first_reply_seconds')) %}
{% do numbers.append(('next_reply_calendar', 'next_reply', 'calendar', 'r.calendar_seconds')) %}
{% do numbers.append(('next_reply_business', 'next_reply', 'business', 'r.business_seconds')) %}
{% for measure in ['reopens', 'public_agent_replies', 'group_hops', 'assignee_hops'] %}
{% do numbers.append((measure, measure, 'none', 't.' ~ measure)) %}
{% endfor %}
{{ return(numbers) }}
{% endmacro %}

{% macro vendor_numbers(numbers, published_in, read_at, columns, ticket_id='ticket_id', next_replies='0', is_full_set='false') %}
select
    source,
    {{ ticket_id }} as ticket_id,
    '{{ published_in }}' as published_in,
    {{ read_at }} as read_at,
    {{ is_full_set }} as is_full_set,
    cast({{ next_replies }} as bigint) as next_replies
    {% for number in numbers %}
    , cast({{ columns.get(number[0], 'null') }} as double) as {{ number[0] }}
    {% endfor %}
{% endmacro %}
