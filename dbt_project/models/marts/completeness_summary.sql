{{ config(meta={'next_at': 'midnight'}, materialized='table') }}
{#- Completeness of all time against the limits, of what people handle: KPIs have no other. #}
{%- set states = completeness_states() -%}
with summed as (
    select
        source, channel, measure, bool_or(has_vendor_numbers) as has_vendor_numbers, bool_or(is_told) as is_told,
        {% for column in ['tickets', 'expected'] + states %}
        cast(sum({{ column }}) as bigint) as {{ column }},
        {% endfor %}
        min(example_ticket_id) as example_ticket_id
    from {{ ref('completeness') }}
    where support_type <> 'ai_agent'
    group by source, channel, measure
),

limited as (
    select
        s.*,
        100e0 * (s.missing + s.unexplained) / nullif(s.expected, 0) as lost_pct,
        100e0 * s.unknown / nullif(s.expected, 0) as unknown_pct,
        l.warn_pct,
        l.critical_pct,
        l.min_values,
        l.reason,
        l.valid_to,
        row_number() over (
            partition by s.source, s.channel, s.measure
            order by l.source = '*', l.channel = '*', l.measure = '*', l.valid_to nulls last, l.critical_pct, l.warn_pct, l.min_values, l.reason
        ) as limit_no
    from summed as s
    left join {{ ref('completeness_limits') }} as l
        on l.source in (s.source, '*') and l.channel in (s.channel, '*') and l.measure in (s.measure, '*')
        and (l.valid_to is null or l.valid_to > {{ business_date(as_of()) }})
)

select
    source,
    channel,
    measure,
    case measure{% for measure, kpis in complete_measures().items() %} when '{{ measure }}' then '{{ kpis }}'{% endfor %} end as kpis,
    has_vendor_numbers,
    is_told,
    tickets,
    expected,
    {% for state in states %}
    {{ state }},
    {% endfor %}
    lost_pct,
    unknown_pct,
    {#- A source without numbers of its own has counts only. What the vendor cannot tell nobody asks for. #}
    case
        when not has_vendor_numbers or expected < min_values then null
        when lost_pct > critical_pct then 'critical'
        when lost_pct > warn_pct then 'warning'
        when is_told and unknown_pct > warn_pct then 'unknown'
    end as gap,
    warn_pct,
    critical_pct,
    min_values,
    reason as waived_because,
    case when reason is not null then valid_to end as waived_until,
    example_ticket_id
from limited
where limit_no = 1
order by source, channel, measure
