{#- One row per survey sent and dimension of the company's own: the ticket's field, else the organization's when it was sent. #}
with own as (select dimension from {{ ref('dimensions') }} where record_column is null),

{#- Without one nothing is read further. #}
sends as (select s.* from {{ ref('int_survey_sends') }} as s where exists (select 1 from own)),

in_tickets as (
    select source, ticket_id, pair.dimension as dimension, nullif(pair.member, '') as member
    from (
        select t.source, t.ticket_id, unnest(t.dimensions) as pair from {{ ref('int_tickets') }} as t where exists (select 1 from own)
    ) as u
)

select
    s.source,
    s.survey,
    s.invitation_id,
    d.dimension,
    coalesce(t.member, o.member, '(none)') as member
from sends as s
cross join own as d
left join in_tickets as t on s.ticket_source = t.source and s.ticket_id = t.ticket_id and d.dimension = t.dimension
left join {{ ref('int_organization_dimensions') }} as o
    on s.helpdesk = o.source and s.organization_id = o.organization_id and d.dimension = o.dimension
    and s.sent_at >= o.valid_from and s.sent_at < o.valid_to
