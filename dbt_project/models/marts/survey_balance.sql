{#- Every answer that landed is counted or left out; the first number is counted by the vendor's records, the others by ours. #}
with landed as (
    select source, survey, sum(answers) as landed
    from {{ ref('int_landed_answers') }}
    group by source, survey
),

ours as (
    select
        source,
        survey,
        count(case when left_out is null then 1 end) as counted,
        count(left_out) as left_out,
        count(case when left_out is null then ticket_id end) as naming_a_ticket,
        count(case when left_out is null and not is_ticket_known then 1 end) as naming_an_unknown_ticket
    from {{ ref('int_answers') }}
    group by source, survey
)

select
    coalesce(l.source, o.source) as source,
    coalesce(l.survey, o.survey) as survey,
    cast(coalesce(l.landed, 0) as bigint) as landed,
    coalesce(o.counted, 0) as counted,
    coalesce(o.left_out, 0) as left_out,
    coalesce(o.naming_a_ticket, 0) as naming_a_ticket,
    coalesce(o.naming_an_unknown_ticket, 0) as naming_an_unknown_ticket
from landed as l
full join ours as o on l.source = o.source and l.survey = o.survey
