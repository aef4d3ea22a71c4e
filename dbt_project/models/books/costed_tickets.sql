{{ config(materialized='view', post_hook="{{ keep_published_view(1) }}") }}
{#- The tickets solved in the months that a scenario of service_costs has, with the cells of kpi_cost that count them. #}
with tickets as (select * from {{ with_own_dimensions('tickets') }}),

costs as (select * from {{ ref('kpi_cost') }}),

counting as (
    select t.source, t.ticket_id, c.scenario, {{ list_of("c.dimension || '=' || c.member") }} as own_dimensions
    from tickets as t
    inner join costs as c
        on c.period_grain = 'month' and c.period_start = {{ period_start('month', business_date('t.last_solved_at')) }}
        and c.member = {{ ticket_member('c.dimension') }}
    where t.full_resolution_seconds is not null and {{ is_by_human('t') }}
    group by t.source, t.ticket_id, c.scenario
)

select
    t.source,
    t.ticket_id,
    c.scenario,
    t.last_solved_at,
    t.segment,
    t.product,
    t.service_area,
    t.complexity,
    t.channel,
    t.organization_id,
    t.priority,
    t.group_id,
    t.assignee_id,
    c.own_dimensions
from tickets as t
inner join counting as c on t.source = c.source and t.ticket_id = c.ticket_id
