{#- What each group and agent did in a period, by the date on which it happened and by who held the ticket then; solved tickets by who holds
    them. A value whose count is below the minimum (small_n of the definition `team`) is withheld: it would rank people by chance. #}
{%- set counts = ['solved', 'reopened', 'replies', 'first_replies', 'n_vendor', 'n_newest', 'csat_n', 'csat_positive', 'sla_met', 'sla_breached'] -%}
with facts as (
    select
        day, group_id, assignee_id, true as is_solve, reopens > 0 as is_reopened, false as is_reply,
        cast(null as double) as first_reply_seconds, false as is_told_by_vendor, false as is_newest, false as is_rating, false as is_positive
    from ({{ counted_facts() }}) as solved
    union all
    select {{ business_date('replied_at') }}, group_id, agent_id, false, false, true, case when is_first_reply then seconds end,
        origin = 'vendor', coalesce(newest_values <> 'priority', false), false, false
    from {{ ref('ticket_replies') }}
    where replied_at is not null
    union all
    select
        {{ business_date('answered_at') }}, group_id, agent_id, false, false, false, null, false, coalesce(newest_values <> 'priority', false),
        true, is_positive
    from {{ ref('survey_answers') }} as a
    where kind = 'csat' and is_headline and {{ is_by_human('a') }}
),

cells as (
    {{ kpi_cells({
        'solved': 'count(case when is_solve then 1 end)',
        'reopened': 'count(case when is_reopened then 1 end)',
        'replies': 'count(case when is_reply then 1 end)',
        'first_replies': 'count(first_reply_seconds)',
        'n_vendor': 'count(case when is_told_by_vendor then first_reply_seconds end)',
        'n_newest': 'count(case when is_newest then 1 end)',
        'csat_n': 'count(case when is_rating then 1 end)',
        'csat_positive': 'count(case when is_positive then 1 end)'
    }, {'quantiles': median_and_p90('first_reply_seconds')}) }}
),

{#- Service targets stand in a table of their own. #}
parts as (
    select
        period_grain, period_start, dimension, member, solved, reopened, replies, first_replies, n_vendor, n_newest,
        {{ element('quantiles', 1) }} as first_reply_median, {{ element('quantiles', 2) }} as first_reply_p90,
        csat_n, csat_positive, 0 as sla_met, 0 as sla_breached
    from cells
    union all
    select period_grain, period_start, dimension, member, 0, 0, 0, 0, 0, 0, null, null, 0, 0, met, breached
    from {{ ref('kpi_sla_compliance') }}
    where dimension in ('all', 'group', 'agent') and met + breached > 0
),

teams as (
    select
        period_grain, period_start, dimension, member,
        {% for count in counts %}
        cast(sum({{ count }}) as bigint) as {{ count }},
        {% endfor %}
        max(first_reply_median) as first_reply_median,
        max(first_reply_p90) as first_reply_p90
    from parts
    group by period_grain, period_start, dimension, member
),

judged as (
    select c.*, c.sla_met + c.sla_breached as sla_n, d.small_n, d.definition_version
    from teams as c
    {{ join_definition() }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    {% for count in counts %}
    c.{{ count }},
    {% endfor %}
    {% for share, (part, n) in {
        'reopen_rate': ('c.reopened', 'c.solved'), 'csat': ('c.csat_positive', 'c.csat_n'), 'sla_attainment': ('c.sla_met', 'c.sla_n')
    }.items() %}
    cast(case when {{ n }} >= c.small_n then 100e0 * {{ part }} / nullif({{ n }}, 0) end as double) as {{ share }}_pct,
    cast(case when {{ n }} >= c.small_n then {{ wilson_pct(part, n, '-') }} end as double) as {{ share }}_ci_low_pct,
    cast(case when {{ n }} >= c.small_n then {{ wilson_pct(part, n, '+') }} end as double) as {{ share }}_ci_high_pct,
    {% endfor %}
    cast(case when c.first_replies >= c.small_n then c.first_reply_median end as double) as first_reply_median_seconds,
    cast(case when c.first_replies >= c.small_n then c.first_reply_p90 end as double) as first_reply_p90_seconds,
    c.small_n as minimum_n,
    least(c.solved, c.first_replies, c.csat_n, c.sla_n) < c.small_n as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    c.definition_version
from judged as c
{{ join_member_label() }}
