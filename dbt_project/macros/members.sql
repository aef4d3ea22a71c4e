{#- What each KPI counts, said once: by the KPI tables and by metric_members, which lists the records behind every cell. #}

{#- Headline answers to questions of a kind. #}
{% macro is_headline_answer(kind, alias='a') -%}{{ alias }}.kind = '{{ kind }}' and {{ alias }}.is_headline{%- endmacro %}

{#- kpi_response_times: the ticket's durations, and the replies after the first. #}
{% macro ticket_durations() %}
{{ return(['first_reply', 'first_resolution', 'full_resolution', 'requester_wait', 'agent_wait', 'on_hold', 'agent_work']) }}
{% endmacro %}
{% macro duration_clocks() %}{{ return({'calendar': 'seconds', 'business': 'business_seconds'}) }}{% endmacro %}
{% macro is_next_reply(alias) -%}{{ alias }}.reply_no > 1 and {{ alias }}.seconds is not null{%- endmacro %}

{#- kpi_effort: column, of which tickets, and the KPI that defines it. #}
{% macro effort_measures() %}
{% set ever_solved, solved_now = 'first_solved_at is not null', 'full_resolution_seconds is not null' %}
{{ return({
    'reopens': ('reopens', ever_solved, 'reopen_rate'),
    'transfers': ('group_hops', ever_solved, 'transfer_rate'),
    'agent_transfers': ('assignee_hops', ever_solved, 'agent_transfer_rate'),
    'escalations': ('escalations', ever_solved, 'escalation_rate'),
    'agent_replies': ('public_agent_replies', solved_now, 'agent_replies'),
    'customer_turns': ('customer_turns', solved_now, 'customer_turns'),
    'handle_seconds': ('handle_seconds', solved_now, 'handle_time')
}) }}
{% endmacro %}

{#- kpi_first_contact: what says yes (null: not known yet), of the tickets that may. #}
{% macro first_contact_conventions() %}
{{ return({
    'first_contact_resolution': ('is_first_contact_resolved', 'first_solved_at is not null'),
    'no_repeat_contact': ('not has_repeat_contact', 'first_solved_at is not null'),
    'not_reopened': ('not is_reopened_in_window', 'first_solved_at is not null'),
    'one_touch': ('is_one_touch', 'full_resolution_seconds is not null'),
    'one_touch_explore': ('is_one_touch_explore', 'full_resolution_seconds is not null')
}) }}
{% endmacro %}

{#- 1 yes, 0 no, -1 not known before the window is over, null not counted. Without a customer a repeat never will be known. #}
{% macro first_contact_verdict(yes, may) -%}
case when {{ may }} then case when {{ yes }} then 1 when not ({{ yes }}) then 0 when customer_id is not null then -1 end end
{%- endmacro %}

{#- kpi_sla_compliance: the targets that count, and when. #}
{% macro is_counted_target() %}outcome in ('met', 'breached', 'active'){% endmacro %}
{% macro target_counted_at() %}coalesce(ended_at, breached_at, {{ as_of() }}){% endmacro %}

{#- Solved at the as-of time. #}
{% macro is_solved_now() %}status in ('solved', 'closed'){% endmacro %}

{#- kpi_follow_up: those whose time is over, or who were contacted. #}
{% macro is_follow_up_due() %}outcome in ('overdue', 'contacted_in_time', 'contacted_late'){% endmacro %}

{#- kpi_bottlenecks: which stays are counted in a stage; s: a state, t: its ticket. The statuses share out a ticket's whole time; the other
    stages lie across them. #}
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

{#- The time of a ticket's stays in a stage, an aggregate of `time`; who was assigned at once waited for none, on a clock that there is. #}
{% macro time_in_stage(stage, time) -%}
sum(case when {{ stages()[stage] }} then {{ time }}{% if stage == 'first_assignment' %} when s.state_no = 1 and t.first_assigned_at is not null then 0 * ({{ time }}){% endif %} end)
{%- endmacro %}
{% macro is_stay_counted() %}s.started_at < t.last_solved_at and s.ended_at is not null{% endmacro %}

{#- kpi_cost: the dimensions that a rule may name, with the column of tickets. #}
{% macro ticket_dimensions() %}
{{ return({
    'source': 'source', 'segment': 'segment', 'product': 'product', 'service_area': 'service_area', 'complexity': 'complexity',
    'channel': 'channel', 'priority': 'priority', 'group': 'group_id', 'agent': 'assignee_id'
}) }}
{% endmacro %}
{% macro ticket_member(dimension, alias='t') -%}
case {{ dimension }}
    when 'all' then 'all'
    {% for name, column in ticket_dimensions().items() %}
    when '{{ name }}' then coalesce({{ alias }}.{{ column }}, '(none)')
    {% endfor %}
end
{%- endmacro %}

{#- kpi_experience: what is known of the ticket behind an answer, and how far back answers count. #}
{% macro experience_factors() %}
{{ return({
    'sla': "case when is_breached then 'breached' when not is_breached then 'met' end",
    'first_reply_wait': 'first_reply_wait',
    'resolution_wait': 'resolution_wait',
    'reopened': "case when is_reopened then 'yes' when not is_reopened then 'no' end",
    'hops': "case when group_hops >= 2 then '2 and more' else cast(group_hops as varchar) end",
    'channel': 'channel'
}) }}
{% endmacro %}
{% macro experience_spans() %}
{{ return({'all': the_beginning(), 'last 365 days': add_micros(as_of(), '-365 * 86400000000')}) }}
{% endmacro %}

{#- kpi_retention: what the mart retention knows of a customer. #}
{% macro retention_factors() %}{{ return(['sla', 'first_reply_wait', 'reopened', 'contacts', 'csat', 'nps']) }}{% endmacro %}
{% macro retention_outcomes() %}{{ return({'stayed': 'has_stayed', 'came_back': 'has_come_back'}) }}{% endmacro %}

{#- The columns of metric_members, with their types. #}
{% macro member_columns() %}
{{ return({
    'kpi': 'varchar', 'key': 'varchar', 'source': 'varchar', 'ticket_id': 'varchar', 'response_id': 'varchar', 'question_id': 'varchar',
    'record_id': 'varchar', 'day': 'date', 'until_day': 'date', 'survey': 'varchar', 'segment': 'varchar', 'product': 'varchar', 'service_area': 'varchar',
    'complexity': 'varchar', 'channel': 'varchar', 'priority': 'varchar', 'group_id': 'varchar', 'agent_id': 'varchar',
    'own_dimensions': 'varchar[]', 'outcome': 'varchar', 'in_numerator': 'boolean', 'in_denominator': 'boolean', 'value': 'double'
}) }}
{% endmacro %}

{#- kpi_cell: the tables whose cells open, with the key of a cell in the table's own columns (alias t); '' where it has none. #}
{% macro cell_keys() %}
{{ return({
    'kpi_csat': "''", 'kpi_nps': "''", 'kpi_ces': "''", 'kpi_survey_response': "''", 'kpi_volume': "''",
    'kpi_follow_up': 't.kind', 'kpi_response_times': "t.measure || '/' || t.clock", 'kpi_sla_compliance': 't.metric', 'kpi_effort': 't.measure',
    'kpi_first_contact': 't.convention', 'kpi_backlog': 't.age_bucket', 'kpi_bottlenecks': "t.stage || '/' || t.clock", 'kpi_cost': 't.scenario',
    'kpi_team': "unnest(['solved', 'replies', 'first_replies', 'csat', 'sla'])",
    'kpi_distribution': "t.source || '/' || t.survey || '/' || t.question_id || '/' || " ~ plain_number('t.score'),
    'kpi_experience': "t.time_span || '/' || t.kind || '/' || t.factor || '/' || t.exposure",
    'kpi_retention': "t.window_days || '/' || t.unit || '/' || t.outcome || '/' || t.factor || '/' || t.exposure"
}) }}
{% endmacro %}
{% macro cells_without_periods() %}{{ return(['kpi_experience', 'kpi_retention']) }}{% endmacro %}

{#- One KPI's members: a select that fills the columns it has; `have` are those that the relation has under their own name. Without a time
    `at` the day is a column too. #}
{% macro members_of(kpi, relation, at, columns, have, key="''", where='true') %}
select
    {% for name, type in member_columns().items() %}
    cast({% if name == 'kpi' %}'{{ kpi }}'{% elif name == 'key' %}{{ key }}
        {%- elif name == 'day' and at %}{{ business_date(at) }}{% else %}{{ columns.get(name, name if name in have else 'null') }}
        {%- endif %} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ relation }}
where {{ where }}
{% endmacro %}

{#- Every KPI's members in one select. Each branch says its key as a constant where it can, so that a cell reads no other. #}
{% macro metric_members_sql() %}
{%- set mart = {} -%}
{%- for name in [
    'tickets', 'ticket_replies', 'ticket_states', 'sla_targets', 'survey_answers', 'survey_sends', 'follow_ups', 'answer_dimensions', 'experience', 'retention',
    'kpi_cost'
] -%}
{%- do mart.update({name: ref(name)}) -%}
{%- endfor -%}
{%- set placed = ['source', 'ticket_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id'] -%}
{%- set answer = placed + ['response_id', 'question_id', 'survey', 'agent_id'] -%}
{%- set in_answer = 'a.source = d.source and a.response_id = d.response_id and a.question_id = d.question_id' -%}
{%- set answers = '(select a.*, d.own_dimensions from ' ~ mart.survey_answers ~ ' as a left join own as d on ' ~ in_answer ~ ') as a' -%}
{%- set flagged = '(select a.*, d.own_dimensions from ' ~ mart.follow_ups ~ ' as a left join own as d on ' ~ in_answer ~ ') as a' -%}
{%- set members = [] -%}

{%- set judged = {
    'csat': ("case when is_positive then 'positive' else 'not positive' end", 'is_positive', 'score'),
    'nps': ('nps_class', "nps_class = 'promoter'", "case nps_class when 'promoter' then 1 when 'detractor' then -1 else 0 end"),
    'ces': ("case when is_easy then 'easy' else 'not easy' end", 'is_easy', 'score')
} -%}
{%- for kind, (outcome, numerator, value) in judged.items() -%}
{%- do members.append(members_of('kpi_' ~ kind, answers, 'answered_at', {
    'outcome': outcome, 'in_numerator': 'coalesce(' ~ numerator ~ ', false)', 'in_denominator': 'true', 'value': value
}, answer + ['own_dimensions'], where=is_headline_answer(kind))) -%}
{%- endfor -%}
{%- do members.append(members_of(
    'kpi_distribution', mart.survey_answers, 'answered_at', {'in_numerator': 'true', 'in_denominator': 'true', 'value': 'score'}, answer,
    key="source || '/' || survey || '/' || question_id || '/' || " ~ plain_number('score')
)) -%}
{%- do members.append(members_of('kpi_survey_response', mart.survey_sends, 'sent_at', {
    'record_id': 'invitation_id', 'in_numerator': 'is_answered', 'in_denominator': 'true',
    'outcome': "case when is_answered then 'answered' when is_awaited then 'awaited' else 'not answered' end"
}, placed + ['survey', 'agent_id'])) -%}
{%- do members.append(members_of('kpi_follow_up', flagged, 'flagged_at', {
    'in_numerator': "outcome = 'contacted_in_time'", 'in_denominator': is_follow_up_due(), 'value': 'hours_to_contact'
}, answer + ['own_dimensions', 'outcome'], key='kind')) -%}

{%- for clock, suffix in duration_clocks().items() -%}
{%- for measure in ticket_durations() -%}
{%- set column = measure ~ '_' ~ suffix -%}
{%- do members.append(members_of('kpi_response_times', mart.tickets, 'created_at', {
    'agent_id': 'assignee_id', 'in_denominator': 'true', 'value': column
}, placed, key="'" ~ measure ~ '/' ~ clock ~ "'", where=column ~ ' is not null')) -%}
{%- endfor -%}
{%- set waits = '(select t.*, r.reply_no, r.' ~ suffix ~ ' as waited from ' ~ mart.tickets ~ ' as t inner join ' ~ mart.ticket_replies
    ~ ' as r on t.source = r.source and t.ticket_id = r.ticket_id where ' ~ is_next_reply('r') ~ ') as w' -%}
{%- do members.append(members_of('kpi_response_times', waits, 'created_at', {
    'record_id': 'reply_no', 'agent_id': 'assignee_id', 'in_denominator': 'true', 'value': 'waited'
}, placed, key="'next_reply/" ~ clock ~ "'", where='waited is not null')) -%}
{%- endfor -%}

{%- set target = {
    'record_id': "metric || '/' || instance || '/' || applied_at", 'in_numerator': "outcome = 'met'", 'in_denominator': "outcome <> 'active'",
    'value': 'elapsed_seconds'
} -%}
{%- do members.append(members_of(
    'kpi_sla_compliance', mart.sla_targets, target_counted_at(), target, placed + ['agent_id', 'outcome'], key='metric', where=is_counted_target()
)) -%}

{%- do members.append(members_of('kpi_volume', mart.tickets, 'created_at', {
    'agent_id': 'assignee_id', 'outcome': 'status', 'in_numerator': is_solved_now(), 'in_denominator': 'true', 'value': 'reopens'
}, placed)) -%}
{%- for measure, (column, may, _) in effort_measures().items() -%}
{%- do members.append(members_of('kpi_effort', mart.tickets, 'created_at', {
    'agent_id': 'assignee_id', 'in_numerator': column ~ ' > 0', 'in_denominator': 'true', 'value': column
}, placed, key="'" ~ measure ~ "'", where=may ~ ' and ' ~ column ~ ' is not null')) -%}
{%- endfor -%}
{%- for convention, (yes, may) in first_contact_conventions().items() -%}
{%- set verdict = first_contact_verdict(yes, may) -%}
{%- do members.append(members_of('kpi_first_contact', mart.tickets, 'created_at', {
    'agent_id': 'assignee_id', 'outcome': 'case ' ~ verdict ~ " when 1 then 'yes' when 0 then 'no' else 'not known yet' end",
    'in_numerator': verdict ~ ' = 1', 'in_denominator': verdict ~ ' >= 0'
}, placed, key="'" ~ convention ~ "'", where=verdict ~ ' is not null')) -%}
{%- endfor -%}
{%- for key, relation in {"'all'": 'unsolved', 'age_bucket': 'aged'}.items() -%}
{%- do members.append(members_of('kpi_backlog', relation, none, {
    'record_id': 'state_no', 'day': 'from_day', 'agent_id': 'assignee_id', 'outcome': 'status', 'in_denominator': 'true'
}, placed + ['until_day'], key=key, where='from_day <= until_day')) -%}
{%- endfor -%}

{%- for clock in duration_clocks() -%}
{%- for stage in stages() -%}
{%- do members.append(members_of('kpi_bottlenecks', 'stays', 'created_at', {
    'record_id': "coalesce(group_id, '')", 'in_denominator': 'true', 'value': stage ~ '_' ~ clock
}, placed, key="'" ~ stage ~ '/' ~ clock ~ "'", where=stage ~ '_' ~ clock ~ ' is not null')) -%}
{%- endfor -%}
{%- do members.append(members_of('kpi_bottlenecks', 'hand_overs', 'created_at', {
    'record_id': 'state_no', 'in_denominator': 'true', 'value': clock
}, placed, key="'hand_over/" ~ clock ~ "'", where=clock ~ ' is not null')) -%}
{%- endfor -%}
{%- do members.append(members_of(
    'kpi_cost', 'costed', 'last_solved_at', {'agent_id': 'assignee_id', 'in_denominator': 'true'}, placed + ['own_dimensions'], key='scenario'
)) -%}

{%- for span, since in experience_spans().items() -%}
{%- for factor, exposure in experience_factors().items() -%}
{%- do members.append(members_of('kpi_experience', mart.experience, 'answered_at', {
    'in_numerator': 'points = 100', 'in_denominator': 'true', 'value': 'points'
}, answer, key="'" ~ span ~ "/' || kind || '/" ~ factor ~ "/' || " ~ exposure,
    where='answered_at > ' ~ since ~ ' and ' ~ exposure ~ ' is not null')) -%}
{%- endfor -%}
{%- endfor -%}

{%- for outcome, column in retention_outcomes().items() -%}
{%- for factor in retention_factors() -%}
{%- do members.append(members_of('kpi_retention', mart.retention, 'landmark', {
    'record_id': "unit || '/' || unit_id", 'outcome': factor, 'in_numerator': column, 'in_denominator': 'true'
}, ['source'], key="window_days || '/' || unit || '/" ~ outcome ~ "/" ~ factor ~ "/' || " ~ factor,
    where=column ~ ' is not null and ' ~ factor ~ ' is not null')) -%}
{%- endfor -%}
{%- endfor -%}

{#- What groups and agents did. #}
{%- do members.append(members_of('kpi_team', mart.tickets, 'last_solved_at', {
    'agent_id': 'assignee_id', 'in_numerator': 'reopens > 0', 'in_denominator': 'true'
}, placed, key="'solved'", where='full_resolution_seconds is not null')) -%}
{%- for key, which in {'replies': 'replied_at is not null', 'first_replies': 'is_first_reply and seconds is not null'}.items() -%}
{%- do members.append(members_of('kpi_team', mart.ticket_replies, 'replied_at', {
    'record_id': 'reply_no', 'in_denominator': 'true', 'value': 'seconds'
}, placed + ['agent_id'], key="'" ~ key ~ "'", where=which)) -%}
{%- endfor -%}
{%- do members.append(members_of('kpi_team', mart.survey_answers ~ ' as a', 'answered_at', {
    'in_numerator': 'coalesce(is_positive, false)', 'in_denominator': 'true', 'value': 'score'
}, answer, key="'csat'", where=is_headline_answer('csat'))) -%}
{%- do members.append(members_of(
    'kpi_team', mart.sla_targets, target_counted_at(), target, placed + ['agent_id', 'outcome'], key="'sla'", where="outcome in ('met', 'breached')"
)) -%}

{#- Aliases throughout: the parameters of kpi_cell, which reads this, have such names too. #}
with own as (
    select d.source, d.response_id, d.question_id, {{ list_of("d.dimension || '=' || d.member") }} as own_dimensions
    from {{ mart.answer_dimensions }} as d
    group by d.source, d.response_id, d.question_id
),

{#- On which local days a ticket was unsolved at the day's end, and where; without a history, from its creation to its solve. #}
{%- set of_ticket = ['source', 'ticket_id', 'created_at', 'segment', 'product', 'service_area', 'complexity', 'channel'] %}

unsolved as (
    select
        {{ of_ticket | map('replace', '', 't.', 1) | join(', ') }}, s.priority, s.group_id, s.assignee_id, s.status, s.state_no,
        {{ business_date('s.started_at') }} as from_day, {{ day_before_or_today('s.ended_at') }} as until_day
    from {{ mart.tickets }} as t
    inner join {{ mart.ticket_states }} as s on t.source = s.source and t.ticket_id = s.ticket_id
    where t.has_status_history and s.status in ({{ unsolved_statuses() }})
    union all
    select
        {{ of_ticket | map('replace', '', 't.', 1) | join(', ') }}, t.priority, t.group_id, t.assignee_id, t.status, 1,
        {{ business_date('t.created_at') }}, {{ day_before_or_today('t.last_solved_at') }}
    from {{ mart.tickets }} as t
    where not t.has_status_history and (t.last_solved_at is not null or t.unsolved_age_seconds is not null)
),

aged as (
    select
        {{ of_ticket | map('replace', '', 'u.', 1) | join(', ') }}, u.priority, u.group_id, u.assignee_id, u.status, u.state_no, b.age_bucket,
        greatest(u.from_day, {{ business_date(add_micros('u.created_at', 'b.from_days * 86400000000')) }}) as from_day,
        least(u.until_day, {{ day_before_or_today(add_micros('u.created_at', 'b.to_days * 86400000000')) }}) as until_day
    from unsolved as u
    cross join ({{ age_bucket_rows() }}) as b
    where {{ add_micros('u.created_at', 'b.from_days * 86400000000') }} <= {{ as_of() }}
),

stays as (
    select
        {{ of_ticket | map('replace', '', 't.', 1) | join(', ') }}, t.priority, s.group_id
        {% for stage in stages() %}{% for clock, column in duration_clocks().items() %}
        , {{ time_in_stage(stage, 's.' ~ column) }} as {{ stage }}_{{ clock }}
        {%- endfor %}{% endfor %}
        , max(s.ended_at) as until
    from {{ mart.ticket_states }} as s
    inner join {{ mart.tickets }} as t on s.source = t.source and s.ticket_id = t.ticket_id
    where t.full_resolution_seconds is not null and {{ is_stay_counted() }}
    group by {{ of_ticket | map('replace', '', 't.', 1) | join(', ') }}, t.priority, s.group_id
),

hand_overs as (
    select
        {{ of_ticket | map('replace', '', 't.', 1) | join(', ') }}, t.priority, s.group_id, s.state_no
        {% for clock, column in duration_clocks().items() %}, s.take_up_{{ column }} as {{ clock }}{% endfor %}
    from {{ mart.ticket_states }} as s
    inner join {{ mart.tickets }} as t on s.source = t.source and s.ticket_id = t.ticket_id
    inner join stays as c
        on s.source = c.source and s.ticket_id = c.ticket_id and s.group_id is not distinct from c.group_id and s.taken_up_at <= c.until
    where t.full_resolution_seconds is not null and {{ is_stay_counted() }}
),

{#- The tickets solved in the months that a scenario has, with the cells that count them. #}
cost_cells as (
    select t.source, t.ticket_id, c.scenario, {{ list_of("c.dimension || '=' || c.member") }} as own_dimensions
    from {{ mart.tickets }} as t
    inner join {{ mart.kpi_cost }} as c
        on c.period_grain = 'month' and c.period_start = {{ period_start('month', business_date('t.last_solved_at')) }}
        and c.member = {{ ticket_member('c.dimension') }}
    where t.full_resolution_seconds is not null
    group by t.source, t.ticket_id, c.scenario
),

costed as (
    select t.*, c.scenario, c.own_dimensions
    from {{ mart.tickets }} as t
    inner join cost_cells as c on t.source = c.source and t.ticket_id = c.ticket_id
)

{{ members | join('union all') }}
{% endmacro %}

{#- The local day before a time's; today's where it is still to come. #}
{% macro day_before_or_today(at) -%}
case when {{ at }} <= {{ as_of() }} then cast({{ add_days(business_date(at), -1) }} as date) else {{ business_date(as_of()) }} end
{%- endmacro %}

{#- The rule file age_buckets in words that the published file knows too: age_bucket, from_days, to_days. #}
{% macro age_bucket_rows() -%}
{%- set rules = ref('age_buckets') -%}
{%- set buckets = run_query('select age_bucket, from_days from ' ~ rules ~ ' order by from_days').rows if execute else [] -%}
{%- for b in buckets %}
select '{{ b.age_bucket | replace("'", "''") }}' as age_bucket, {{ b.from_days }} as from_days, {{ 100000 if loop.last else buckets[loop.index].from_days }} as to_days
{{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- Post-hook: keeps what the publisher writes into the published file beside the tables, which have no schema there. #}
{% macro keep_published_sql() %}
delete from control.published_sql;
{% if execute %}
insert into control.published_sql values
    (1, 'metric_members', 'create view metric_members as {{ compiled_code | replace(this.include(identifier=false) ~ '.', '') | replace("'", "''") }}'),
    (2, 'kpi_cell', '{{ kpi_cell_sql() | replace("'", "''") }}');
{% endif %}
{% endmacro %}
