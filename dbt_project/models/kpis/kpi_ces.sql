{#- How easy customers say it was: the share of easy answers and the score itself, by the local date of the answer. A score is shown only where
    all answers of the row are on one scale in one direction. #}
with facts as ({{ counted_facts() }}),

cells as (
    {{ kpi_cells({'n': 'count(*)', 'easy': 'count(case when is_easy then 1 end)'}, {
        'scales': 'count(distinct ' ~ plain_number('scale_min') ~ " || ' ' || " ~ plain_number('scale_max') ~ " || ' ' || direction)",
        'lowest': 'min(scale_min)',
        'highest': 'max(scale_max)',
        'towards': 'min(direction)',
        'score_micros': 'sum(cast(round(score * 1e6) as bigint))',
        'quantiles': median_and_p90('score')
    }) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.n,
    c.easy,
    cast(100e0 * c.easy / nullif(c.n, 0) as double) as ces_pct,
    cast({{ wilson_pct('c.easy', 'c.n', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.easy', 'c.n', '+') }} as double) as ci_high_pct,
    case when c.scales = 1 then c.lowest end as scale_min,
    case when c.scales = 1 then c.highest end as scale_max,
    case when c.scales = 1 then c.towards end as direction,
    cast(case when c.scales = 1 then cast(c.score_micros as double) / 1e6 / c.n end as double) as mean_score,
    cast(case when c.scales = 1 then {{ element('c.quantiles', 1) }} end as double) as median_score,
    cast(case when c.scales = 1 then {{ element('c.quantiles', 2) }} end as double) as p90_score,
    {{ is_small_n('c.n') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
{{ join_definition() }}
