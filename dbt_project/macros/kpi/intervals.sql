{#- Intervals of 95 %, and means weighed by segment. #}

{% macro z_95() %}1.959963984540054e0{% endmacro %}

{% macro wilson_pct(k, n, sign) -%}
case when {{ n }} > 0 then
    100e0 * {{ 'greatest(0e0, ' if sign == '-' else 'least(1e0, ' }}
        (({{ k }} * 1e0 / {{ n }}) + {{ z_95() }} * {{ z_95() }} / (2 * {{ n }})
        {{ sign }} {{ z_95() }} * sqrt(
            ({{ k }} * 1e0 / {{ n }}) * (1 - {{ k }} * 1e0 / {{ n }}) / {{ n }}
            + {{ z_95() }} * {{ z_95() }} / (4e0 * {{ n }} * {{ n }})
        )) / (1 + {{ z_95() }} * {{ z_95() }} / {{ n }})
    )
end
{%- endmacro %}

{% macro newcombe_pct(k, n, others_k, others_n, sign) -%}
{%- set other_sign = '+' if sign == '-' else '-' -%}
100e0 * {{ k }} / nullif({{ n }}, 0) - 100e0 * {{ others_k }} / nullif({{ others_n }}, 0) {{ sign }} sqrt(
    power(100e0 * {{ k }} / nullif({{ n }}, 0) - {{ wilson_pct(k, n, sign) }}, 2)
    + power(100e0 * {{ others_k }} / nullif({{ others_n }}, 0) - {{ wilson_pct(others_k, others_n, other_sign) }}, 2)
)
{%- endmacro %}

{#- Adjusted Wald: one more answer of each class. #}
{% macro nps_bound(total, squares, n, sign) -%}
case when {{ n }} > 0 then
    100e0 * greatest(-1e0, least(1e0,
        ({{ total }} * 1e0 / ({{ n }} + 3)) {{ sign }} {{ z_95() }} * sqrt(
            (({{ squares }} + 2) * 1e0 / ({{ n }} + 3) - power({{ total }} * 1e0 / ({{ n }} + 3), 2)) / ({{ n }} + 3)
        )
    ))
end
{%- endmacro %}

{% macro difference_bound(value, low, high, others_value, others_low, others_high, sign) -%}
{{ value }} - {{ others_value }} {{ sign }} sqrt(
    power({{ value }} - {{ low if sign == '-' else high }}, 2) + power({{ others_value }} - {{ others_high if sign == '-' else others_low }}, 2)
)
{%- endmacro %}

{#- Student's t, by its expansion about the normal. #}
{% macro t_95(n) %}({{ z_95() }} + 2.372272e0 / nullif({{ n }} - 1, 0) + 2.8225e0 / power(nullif({{ n }} - 1, 0), 2)){% endmacro %}

{% macro z_of_difference(value, low, high, n, others_value, others_low, others_high, others_n) -%}
{{ z_95() }} * abs({{ value }} - {{ others_value }}) / nullif(
    {{ t_95('least(' ~ n ~ ', ' ~ others_n ~ ')') }} / {{ z_95() }} * sqrt(
        power(case when {{ value }} > {{ others_value }} then {{ value }} - {{ low }} else {{ high }} - {{ value }} end, 2)
        + power(case when {{ value }} > {{ others_value }} then {{ others_high }} - {{ others_value }} else {{ others_value }} - {{ others_low }} end, 2)
    ), 0
)
{%- endmacro %}

{#- Abramowitz and Stegun, 26.2.17. #}
{% macro two_sided_p(z) -%}
{%- set t = '(1 / (1 + 0.2316419e0 * ' ~ z ~ '))' -%}
least(1e0, 2 * exp(-{{ z }} * {{ z }} / 2) / 2.5066282746310002e0 * {{ t }} * (
    0.31938153e0 + {{ t }} * (-0.356563782e0 + {{ t }} * (1.781477937e0 + {{ t }} * (-1.821255978e0 + {{ t }} * 1.330274429e0)))
))
{%- endmacro %}

{#- Benjamini and Hochberg's step-up: the least rate of false discoveries at which a p of its family is one. #}
{% macro false_discovery_rates(tested, family) %}
select *, min(stepped) over ({{ family }} order by p_value range between current row and unbounded following) as false_discovery_rate
from (
    select *, p_value * count(*) over ({{ family }}) / count(*) over ({{ family }} order by p_value) as stepped from {{ tested }}
) as s
{% endmacro %}

{% macro weighted_by_segment(value, variance) %}
select
    s.period_grain,
    s.period_start,
    'all' as dimension,
    case when count(c.n) = count(*) then sum(cast(round(1e9 * s.share * {{ value }}) as bigint)) / 1e9 end as value,
    case when count(c.n) = count(*) then
        {{ z_95() }} * sqrt(sum(cast(round(1e9 * s.share * s.share * {{ variance }} / c.n) as bigint)) / 1e9)
    end as margin
from (
    select
        p.period_grain, p.period_start, z.segment,
        z.customers * 1e0 / sum(z.customers) over (partition by p.period_grain, p.period_start) as share
    from (select period_grain, period_start from cells where dimension = 'all') as p
    inner join {{ ref('segment_sizes') }} as z
        on {{ is_valid_in_period('z', 'p') }}
    where z.customers > 0
) as s
left join cells as c
    on c.dimension = 'segment' and c.member = s.segment and c.n > 0
    and c.period_grain = s.period_grain and c.period_start is not distinct from s.period_start
group by s.period_grain, s.period_start
{% endmacro %}
