{#- The declared dimensions of each counted answer, in the order in which a segment is found: the survey's own field, the ticket's, the
    organization's as it was then. member is null where nobody says. #}
with declared as (select dimension from {{ ref('declared_dimensions') }}),

{#- Without a declared dimension nothing is read further. #}
answers as (
    select a.*
    from {{ ref('int_answers') }} as a
    where {{ is_counted_answer('a') }} and exists (select 1 from declared)
),

tickets as (select distinct ticket_source as source, ticket_id from answers where ticket_source is not null),

in_tickets as ({{ helpdesk_ticket_dimensions('tickets') }}),

in_surveys as (
    select source, response_id, question_id, pair.dimension as dimension, max(nullif(pair.member, '')) as member
    from (select source, response_id, question_id, unnest(dimensions) as pair from answers) as u
    group by source, response_id, question_id, pair.dimension
),

in_organizations as (
    select source, organization_id, valid_from, valid_to, pair.dimension as dimension, nullif(pair.member, '') as member
    from (
        select source, organization_id, valid_from, valid_to, unnest(dimensions) as pair from {{ ref('int_organizations') }}
    ) as u
)

select
    a.source,
    a.response_id,
    a.question_id,
    d.dimension,
    coalesce(s.member, t.member, o.member) as member
from answers as a
cross join declared as d
left join in_surveys as s
    on a.source = s.source and a.response_id = s.response_id and a.question_id = s.question_id and d.dimension = s.dimension
left join in_tickets as t on a.ticket_source = t.source and a.ticket_id = t.ticket_id and d.dimension = t.dimension
left join in_organizations as o
    on a.helpdesk = o.source and a.organization_id = o.organization_id and d.dimension = o.dimension
    and coalesce(a.answered_at, {{ as_of() }}) >= o.valid_from and coalesce(a.answered_at, {{ as_of() }}) < o.valid_to
