{#- What the company changed (rule file changes), and the number that it was to move: the last whole month before beside the first whole month after. #}
with changes as (
    select distinct
        changed_on, what, kpi, coalesce(dimension, 'all') as dimension, coalesce(member, 'all') as member, expected
    from {{ ref('changes') }}
),

months as (
    select
        *,
        cast(period_start + interval 1 month as date) as next_start
    from {{ ref('kpi_scorecard') }}
    where period_grain = 'month' and not is_partial_period and value is not null
),

nearest as (
    select
        c.changed_on, c.what, c.kpi, c.dimension, c.member,
        max(case when m.next_start <= c.changed_on then m.period_start end) as before_start,
        min(case when m.period_start >= c.changed_on then m.period_start end) as after_start
    from changes as c
    left join months as m on c.kpi = m.kpi and c.dimension = m.dimension and c.member = m.member
    group by c.changed_on, c.what, c.kpi, c.dimension, c.member
),

compared as (
    select
        c.*,
        b.period_start as before_start, b.value as before_value, b.n as before_n, b.ci_low as before_low, b.ci_high as before_high,
        a.period_start as after_start, a.value as after_value, a.n as after_n, a.ci_low as after_low, a.ci_high as after_high,
        coalesce(b.is_small_n or a.is_small_n, false) as is_small_n,
        {{ z_of_difference('a.value', 'a.ci_low', 'a.ci_high', 'a.n', 'b.value', 'b.ci_low', 'b.ci_high', 'b.n') }} as z
    from changes as c
    inner join nearest as n
        on c.changed_on = n.changed_on and c.what = n.what and c.kpi = n.kpi and c.dimension = n.dimension and c.member = n.member
    left join months as b
        on c.kpi = b.kpi and c.dimension = b.dimension and c.member = b.member and n.before_start = b.period_start
    left join months as a
        on c.kpi = a.kpi and c.dimension = a.dimension and c.member = a.member and n.after_start = a.period_start
),

tested as (
    select
        *,
        case when not is_small_n and z is not null then {{ two_sided_p('z') }} end as p_value
    from compared
)

select
    k.changed_on,
    k.what,
    k.kpi,
    k.dimension,
    k.member,
    l.member_label,
    k.expected,
    k.before_start,
    cast(k.before_value as double) as before_value,
    k.before_n,
    k.before_low,
    k.before_high,
    k.after_start,
    cast(k.after_value as double) as after_value,
    k.after_n,
    k.after_low,
    k.after_high,
    cast(k.after_value - k.before_value as double) as difference,
    cast(k.p_value as double) as p_value,
    case
        when k.before_value is null or k.after_value is null then 'not_yet'
        when k.is_small_n then 'too_few'
        when k.p_value is null then 'untested'
        when k.p_value > 0.05e0 then 'noise'
        when k.expected = case when k.after_value > k.before_value then 'higher' else 'lower' end then 'as_expected'
        else 'against'
    end as outcome
from tested as k
{{ join_member_label('k') }}
