{#- What a solved ticket costs and what service brings in, by the rule file service_costs: one row per scenario, with every assumption. Months
    are counted, longer periods are their sums; the month that holds the as-of time counts by its days so far. #}
{%- set today = business_date(as_of()) -%}
{%- set assumptions = [
    'monthly_cost', 'retained_pct', 'revenue_per_customer', 'deflected_per_month', 'saving_per_deflected', 'upsell_pct', 'revenue_per_upsell'
] -%}
{%- set a_day = 86400000000 -%}
{%- set first_solve -%}
coalesce((select min(day) from tickets), {{ today }})
{%- endset -%}
with tickets as ({{ counted_facts() }}),

months as (
    select
        month_start,
        least(1e0, ({{ micros_between('cast(month_start as timestamp)', 'cast(' ~ today ~ ' as timestamp)') }} + {{ a_day }}) * 1e0
            / {{ micros_between('cast(month_start as timestamp)', 'cast(month_start + interval 1 month as timestamp)') }}) as share
    from (
        select distinct {{ period_start('month', 'day') }} as month_start
        from ({{ day_series(first_solve, today, 'day') }}) as d
    ) as m
),

inputs as (
    select m.month_start, m.share, s.*
    from months as m
    inner join {{ ref('service_costs') }} as s
        on m.month_start >= coalesce(s.valid_from, cast({{ the_beginning() }} as date))
        and m.month_start < coalesce(s.valid_to, cast({{ the_end() }} as date))
),

solved as (
    select
        t.month_start, s.dimension, s.member, count(*) as solved,
        count(distinct case when t.customer_id is not null then {{ row_hash(['t.source', 't.customer_id']) }} end) as customers
    from (select *, {{ period_start('month', 'day') }} as month_start from tickets) as t
    inner join (select distinct dimension, member from {{ ref('service_costs') }}) as s
        on s.member = {{ ticket_member('s.dimension') }}
    group by t.month_start, s.dimension, s.member
),

{#- Money in millionths, so that no order of rows changes a digit. #}
facts as (
    select
        i.*,
        coalesce(s.solved, 0) as solved,
        coalesce(s.customers, 0) as customers,
        {% for name, amount in {
            'cost': 'i.monthly_cost * i.share',
            'retained': 'coalesce(s.customers, 0) * i.retained_pct / 100e0 * i.revenue_per_customer',
            'deflected': 'i.deflected_per_month * i.share * i.saving_per_deflected',
            'upsold': 'coalesce(s.solved, 0) * i.upsell_pct / 100e0 * i.revenue_per_upsell'
        }.items() %}
        cast(round(1e6 * {{ amount }}) as bigint) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from inputs as i
    left join solved as s on i.month_start = s.month_start and i.dimension = s.dimension and i.member = s.member
),

cells as (
    {% for grain in card().grains %}
    select
        '{{ grain }}' as period_grain, {{ period_start(grain, 'month_start') }} as period_start, dimension, member, scenario,
        max(currency) as currency, sum(solved) as solved, sum(customers) as customers,
        {% for name in ['cost', 'retained', 'deflected', 'upsold'] %}
        cast(sum({{ name }}) as double) / 1e6 as {{ name }},
        {% endfor %}
        {% for assumption in assumptions %}
        case when count(distinct {{ assumption }}) = 1 and count({{ assumption }}) = count(*) then max({{ assumption }}) end as {{ assumption }}
        {{- ',' if not loop.last }}
        {% endfor %}
    from facts
    group by {{ '' if grain == 'all' else period_start(grain, 'month_start') ~ ', ' }}dimension, member, scenario
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

judged as (
    select *, case when coalesce(retained, deflected, upsold) is not null then
        coalesce(retained, 0) + coalesce(deflected, 0) + coalesce(upsold, 0)
    end as benefit
    from cells
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.scenario,
    c.currency,
    cast(c.solved as bigint) as solved,
    cast(c.customers as bigint) as customers,
    cast(c.cost as double) as cost,
    cast(c.cost / nullif(c.solved, 0) as double) as cost_per_ticket,
    cast(c.retained as double) as retained_revenue,
    cast(c.deflected as double) as deflection_saving,
    cast(c.upsold as double) as upsell_revenue,
    cast(c.benefit as double) as benefit,
    cast(100e0 * (c.benefit - c.cost) / nullif(c.cost, 0) as double) as roi_pct,
    {% for assumption in assumptions %}
    cast(c.{{ assumption }} as double) as {{ assumption }},
    {% endfor %}
    {{ is_small_n('c.solved') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from judged as c
{{ join_member_label() }}
{{ join_definition() }}
