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

{#- The columns of metric_members, with their types. #}
{% macro member_columns() %}
{{ return({
    'kpi': 'varchar', 'key': 'varchar', 'source': 'varchar', 'ticket_id': 'varchar', 'response_id': 'varchar', 'question_id': 'varchar',
    'record_id': 'varchar', 'day': 'date', 'survey': 'varchar', 'segment': 'varchar', 'product': 'varchar', 'service_area': 'varchar',
    'complexity': 'varchar', 'channel': 'varchar', 'priority': 'varchar', 'group_id': 'varchar', 'agent_id': 'varchar',
    'own_dimensions': 'varchar[]', 'outcome': 'varchar', 'in_numerator': 'boolean', 'in_denominator': 'boolean', 'value': 'double'
}) }}
{% endmacro %}

{#- One KPI's members: a select that fills the columns it has; `have` are those that the relation has under their own name. #}
{% macro members_of(kpi, relation, at, columns, have, key="''", where='true') %}
select
    {% for name, type in member_columns().items() %}
    cast({% if name == 'kpi' %}'{{ kpi }}'{% elif name == 'key' %}{{ key }}
        {%- elif name == 'day' %}{{ business_date(at) if at else 'null' }}{% else %}{{ columns.get(name, name if name in have else 'null') }}
        {%- endif %} as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ relation }}
where {{ where }}
{% endmacro %}

{#- Every KPI's members in one select. bare: marts by the names that they have in the published file; else by reference. Each branch says its
    key as a constant where it can, so that a cell reads no other. #}
{% macro metric_members_sql(bare=false) %}
{%- set mart = {} -%}
{%- for name in ['tickets', 'ticket_replies', 'sla_targets', 'survey_answers', 'survey_sends', 'follow_ups', 'answer_dimensions'] -%}
{%- do mart.update({name: name if bare else ref(name)}) -%}
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
{%- for key in ["'all'", age_bucket_of('unsolved_age_seconds')] -%}
{%- do members.append(members_of('kpi_backlog', mart.tickets, none, {
    'agent_id': 'assignee_id', 'outcome': 'status', 'in_denominator': 'true', 'value': 'unsolved_age_seconds'
}, placed, key=key, where='status in (' ~ unsolved_statuses() ~ ')')) -%}
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
)

{{ members | join('union all') }}
{% endmacro %}

{#- The age bucket (rule file age_buckets) of an age in seconds. #}
{% macro age_bucket_of(seconds) -%}
{%- set rules = ref('age_buckets') -%}
{%- set buckets = run_query('select age_bucket, from_days from ' ~ rules ~ ' order by from_days desc').rows if execute else [] -%}
case {% for b in buckets %}when {{ seconds }} >= {{ b.from_days * 86400 }} then '{{ b.age_bucket | replace("'", "''") }}' {% endfor %}else '' end
{%- endmacro %}

{#- Post-hook: keeps what the publisher writes into the published file beside the tables. #}
{% macro keep_published_sql() %}
delete from control.published_sql;
{% if execute %}
insert into control.published_sql values
    (1, 'metric_members', '{{ ('create view metric_members as ' ~ metric_members_sql(bare=true)) | replace("'", "''") }}'),
    (2, 'kpi_cell', '{{ kpi_cell_sql() | replace("'", "''") }}');
{% endif %}
{% endmacro %}
