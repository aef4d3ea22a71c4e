{#- Whether unhappy customers hear from us in time, and whether they are happier next time, by the local date of their answer. #}
with facts as (
    select
        *,
        {{ card().members[0].denominator }} as is_due,
        {{ micros_between('flagged_at', 'contacted_at') }} as contact_micros
    from ({{ counted_facts() }}) as f
),

cells as (
    {{ kpi_cells({
        'flagged': 'count(*)',
        'due': 'count(case when is_due then 1 end)',
        'contacted_in_time': "count(case when outcome = 'contacted_in_time' then 1 end)",
        'contacted_late': "count(case when outcome = 'contacted_late' then 1 end)",
        'overdue': "count(case when outcome = 'overdue' then 1 end)",
        'expired': "count(case when outcome = 'expired' then 1 end)",
        'unreachable': "count(case when outcome = 'unreachable' then 1 end)",
        'contacted': 'count(contacted_at)',
        'scored_again': 'count(is_recovered)',
        'recovered': 'count(case when is_recovered then 1 end)'
    }, {'contact_micros': 'sum(contact_micros)', 'quantiles': median_and_p90('contact_micros')}) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.kind,
    c.flagged,
    c.due,
    c.contacted_in_time,
    c.contacted_late,
    c.overdue,
    c.expired,
    c.unreachable,
    cast(100e0 * c.contacted_in_time / nullif(c.due, 0) as double) as in_time_pct,
    cast({{ wilson_pct('c.contacted_in_time', 'c.due', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.contacted_in_time', 'c.due', '+') }} as double) as ci_high_pct,
    c.contacted,
    cast(cast(c.contact_micros as double) / 3.6e9 / nullif(c.contacted, 0) as double) as mean_hours_to_contact,
    cast({{ element('c.quantiles', 1) }} / 3.6e9 as double) as median_hours_to_contact,
    cast({{ element('c.quantiles', 2) }} / 3.6e9 as double) as p90_hours_to_contact,
    c.scored_again,
    c.recovered,
    cast(100e0 * c.recovered / nullif(c.scored_again, 0) as double) as recovered_pct,
    cast({{ wilson_pct('c.recovered', 'c.scored_again', '-') }} as double) as recovered_ci_low_pct,
    cast({{ wilson_pct('c.recovered', 'c.scored_again', '+') }} as double) as recovered_ci_high_pct,
    {{ is_small_n('c.due') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
{{ join_definition() }}
