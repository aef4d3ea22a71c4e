{{ config(
    materialized='incremental', incremental_strategy='replace_touched', meta={'keeps_before': true}, pre_hook="{{ forget_before() }}"
) }}
{#- One row per counted ticket and dimension of the company's own, found like the segment: the ticket's field, else the organization's when the
    ticket was created. #}
with own as (select dimension from {{ ref('dimensions') }} where record_column is null),

{#- Without one nothing is read further. #}
counted as (
    select t.*
    from {{ ref('int_tickets') }} as t
    where t.exclusion_reason is null and {{ is_touched('t') }} and exists (select 1 from own)
),

stated as (
    select source, ticket_id, pair.dimension as dimension, nullif(pair.member, '') as member
    from (select source, ticket_id, unnest(dimensions) as pair from counted) as u
)

select
    t.source,
    t.ticket_id,
    d.dimension,
    coalesce(s.member, o.member, '(none)') as member
from counted as t
cross join own as d
left join stated as s on t.source = s.source and t.ticket_id = s.ticket_id and d.dimension = s.dimension
left join {{ ref('int_organization_dimensions') }} as o
    on t.source = o.source and t.organization_id = o.organization_id and d.dimension = o.dimension
    and t.created_at >= o.valid_from and t.created_at < o.valid_to
