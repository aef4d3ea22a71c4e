{#- How many of the vendors' own numbers agree with ours, and why the others do not. #}
with published as (
    {% for column, measure, clock, ours in compared_numbers() %}
    select source, published_in, '{{ column }}' as number, '{{ measure }}' as measure, '{{ clock }}' as clock, count({{ column }}) as published
    from {{ ref('int_vendor_numbers') }}
    group by source, published_in
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

reasons as (
    select
        source, published_in, vendor_field,
        count(*) as listed,
        {#- A set that has none where we have a number. #}
        count(case when theirs is null then 1 end) as missing,
        {% for reason in ['schedule_convention', 'vendor_clock_rule', 'later_events', 'missing_history', 'earlier_schedule', 'unexplained'] %}
        count(case when reason = '{{ reason }}' then 1 end) as {{ reason }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('reconciliation') }}
    group by source, published_in, vendor_field
),

compared as (
    select
        p.source, p.published_in, n.vendor_field, p.measure, p.clock,
        p.published + coalesce(r.missing, 0) as compared,
        p.published + coalesce(r.missing, 0) - coalesce(r.listed, 0) as rounding,
        {% for reason in ['schedule_convention', 'vendor_clock_rule', 'later_events', 'missing_history', 'earlier_schedule', 'unexplained'] %}
        coalesce(r.{{ reason }}, 0) as {{ reason }}{{ ',' if not loop.last }}
        {% endfor %},
        n.readings
    from published as p
    inner join {{ ref('vendor_numbers') }} as n on p.published_in = n.published_in and p.number = n.number
    left join reasons as r on p.source = r.source and p.published_in = r.published_in and n.vendor_field = r.vendor_field
)

select *, 100e0 * unexplained / compared as unexplained_pct
from compared
where compared > 0
