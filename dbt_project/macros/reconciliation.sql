{#- Ours against the vendors' own numbers. A source takes part with a select of vendor_numbers in int_vendor_numbers and its rows in
    the seed vendor_numbers. #}

{% macro compared_numbers() %}
{% set numbers = [] %}
{% for measure in ['first_reply', 'first_resolution', 'full_resolution', 'requester_wait', 'agent_wait', 'on_hold', 'agent_work'] %}
{% do numbers.append((measure ~ '_calendar', measure, 'calendar', 't.' ~ measure ~ '_seconds')) %}
{% do numbers.append((measure ~ '_business', measure, 'business', 't.' ~ measure ~ '_business_seconds')) %}
{% endfor %}
{% do numbers.append(('first_reply_exact', 'first_reply', 'calendar', 't.first_reply_seconds')) %}
{% do numbers.append(('first_assignment', 'first_assignment', 'calendar', 't.first_assignment_seconds')) %}
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

{% macro complete_measures() %}
{{ return({
    'first_reply': 'first_reply_time', 'next_reply': 'next_reply_time',
    'public_agent_replies': 'agent_replies, one_touch_rate, one_touch_explore_rate',
    'first_assignment': 'first_assignment_time',
    'first_resolution': 'first_resolution_time, first_contact_resolution_rate', 'full_resolution': 'full_resolution_time',
    'requester_wait': 'requester_wait_time', 'agent_wait': 'agent_wait_time', 'on_hold': 'on_hold_time', 'agent_work': 'agent_work_time',
    'reopens': 'reopen_rate', 'group_hops': 'transfer_rate, escalation_rate', 'assignee_hops': 'agent_transfer_rate'
}) }}
{% endmacro %}

{% macro completeness_states() %}
{{ return(['unconfirmed', 'confirmed', 'from_vendor', 'explained', 'unexplained', 'missing', 'unknown']) }}
{% endmacro %}

{% test limits_completeness(model) %}
select source, channel, measure, problem
from (
    select
        r.*,
        case
            when r.warn_pct < 0 or r.critical_pct < r.warn_pct or r.min_values < 1 then 'its limits cannot be'
            when r.warn_pct is null or r.critical_pct is null or r.min_values is null then 'a limit is empty'
            when r.source is null or r.channel is null or r.measure is null then 'an asterisk stands for every one'
            when r.measure <> '*' and r.measure not in ('{{ complete_measures() | join("', '") }}') then 'the measure is unknown'
            when (r.warn_pct > d.warn_pct or r.critical_pct > d.critical_pct or r.min_values > d.min_values)
                and (r.reason is null or r.valid_to is null) then 'who waives a limit says why and until when'
        end as problem
    from {{ model }} as r
    left join {{ model }} as d on d.source = '*' and d.channel = '*' and d.measure = '*'
) as r
where problem is not null
union all
select '*', '*', '*', 'its one row is the limit of all that have none'
from {{ model }}
having count(case when source = '*' and channel = '*' and measure = '*' and valid_to is null then 1 end) <> 1
{% endtest %}
