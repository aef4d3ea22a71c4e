{{ config(materialized='incremental', incremental_strategy='replace_periods') }}
{#- Counted tickets by the local date of their creation: how many came, how many of them are solved now, how many were reopened, and from
    how many customers they came; apart, how many an AI agent handled alone. #}
{%- set by_human, is_solved = card().members[0].denominator, card().members[0].numerator -%}
{%- set by_ai = 'not (' ~ by_human ~ ')' -%}
with facts as ({{ counted_facts() }}),

cells as (
    {{ kpi_cells({
        'created': 'count(case when ' ~ by_human ~ ' then 1 end)',
        'solved': 'count(case when ' ~ is_solved ~ ' then 1 end)',
        'reopened': 'count(case when ' ~ by_human ~ ' and reopens > 0 then 1 end)',
        'created_ai_only': 'count(case when ' ~ by_ai ~ ' then 1 end)',
        'solved_ai_only': 'count(case when ' ~ by_ai ~ " and status in ('solved', 'closed') then 1 end)",
        'with_customer': 'count(case when ' ~ by_human ~ ' then customer_id end)',
        'customers': 'count(distinct case when ' ~ by_human ~ ' and customer_id is not null then ' ~ row_hash(['source', 'customer_id']) ~ ' end)',
        'with_organization': 'count(case when ' ~ by_human ~ ' then organization_id end)',
        'organizations': 'count(distinct case when ' ~ by_human ~ ' and organization_id is not null then '
            ~ row_hash(['source', 'organization_id']) ~ ' end)'
    }, is_all_of_today=true) }}
),

{#- How many customers there are, those who asked nothing too. #}
active as (
    select
        p.period_grain, p.period_start,
        case when grouping(z.segment) = 0 then 'segment' else 'all' end as dimension,
        case when grouping(z.segment) = 0 then z.segment else 'all' end as member,
        sum(z.customers) as customers
    from (select distinct period_grain, period_start from cells) as p
    inner join {{ ref('segment_sizes') }} as z
        on {{ is_valid_in_period('z', 'p') }}
    group by p.period_grain, p.period_start, rollup(z.segment)
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.created,
    c.solved,
    c.reopened,
    c.created_ai_only,
    c.solved_ai_only,
    c.customers,
    c.organizations,
    cast(a.customers as bigint) as active_customers,
    cast(c.with_customer * 1e0 / nullif(c.customers, 0) as double) as tickets_per_customer,
    cast(c.with_organization * 1e0 / nullif(c.organizations, 0) as double) as tickets_per_organization,
    cast(c.created * 1e0 / nullif(a.customers, 0) as double) as tickets_per_active_customer,
    {{ is_small_n('c.created') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
left join active as a
    on c.dimension = a.dimension and c.member = a.member and c.period_grain = a.period_grain
    and c.period_start is not distinct from a.period_start
{{ join_definition() }}
