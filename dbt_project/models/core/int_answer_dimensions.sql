{{ config(meta={'next_at': 'horizon'}) }}
with own as (select dimension from {{ ref('dimensions') }} where record_column is null),

{#- Without one nothing is read further. #}
answers as (
    select a.*
    from {{ ref('int_answers') }} as a
    where {{ is_counted_answer('a') }} and exists (select 1 from own)
),

in_surveys as (
    select source, response_id, question_id, pair.dimension as dimension, max(nullif({{ filled('pair.member') }}, '')) as member
    from (select source, response_id, question_id, unnest(dimensions) as pair from answers) as u
    group by source, response_id, question_id, pair.dimension
),

in_tickets as (
    select source, ticket_id, pair.dimension as dimension, nullif(pair.member, '') as member
    from (
        select t.source, t.ticket_id, unnest(t.dimensions) as pair from {{ ref('int_tickets') }} as t where exists (select 1 from own)
    ) as u
)

select
    a.source,
    a.response_id,
    a.question_id,
    d.dimension,
    coalesce(s.member, t.member, o.member) as member
from answers as a
cross join own as d
left join in_surveys as s
    on a.source = s.source and a.response_id = s.response_id and a.question_id = s.question_id and d.dimension = s.dimension
left join in_tickets as t on a.ticket_source = t.source and a.ticket_id = t.ticket_id and d.dimension = t.dimension
left join {{ ref('int_organization_dimensions') }} as o
    on a.helpdesk = o.source and a.organization_id = o.organization_id and d.dimension = o.dimension
    and coalesce(a.answered_at, {{ as_of() }}) >= o.valid_from and coalesce(a.answered_at, {{ as_of() }}) < o.valid_to
