{#- Where a ticket's time goes. #}

{% macro stages() %}
{{ return({
    'all': 'true',
    'new': "s.status = 'new'",
    'open': "s.status = 'open'",
    'pending': "s.status = 'pending'",
    'hold': "s.status = 'hold'",
    'solved': "s.status in ('solved', 'closed')",
    'first_assignment': 's.is_before_assignment and t.first_assigned_at is not null',
    'unassigned': 's.has_assignee_history and s.assignee_id is null and s.status in (' ~ unsolved_statuses() ~ ')'
}) }}
{% endmacro %}

{% macro time_in_stage(stage, time) -%}
sum(case when {{ stages()[stage] }} then {{ time }}{% if stage == 'first_assignment' %} when s.state_no = 1 and t.first_assigned_at is not null then 0 * ({{ time }}){% endif %} end)
{%- endmacro %}
{% macro is_stay_counted() %}s.started_at < t.last_solved_at and s.ended_at is not null{% endmacro %}

{% macro duration_clocks() %}{{ return({'calendar': 'seconds', 'business': 'business_seconds'}) }}{% endmacro %}
