{#- A status of the account's own never solves a ticket. Where it stops the clock, somebody else is to do something. #}
with fields as (select * from {{ in_force(ref('stg_freshdesk__ticket_fields')) }} as f where not f.deleted),

labels as (select source, unnest(status_labels) as choice from fields),

choices as (select source, unnest(status_choices) as choice from fields),

told as (
    select source, choice.key as code, lower(choice.value) as label, cast(null as boolean) as stops_clock from labels
    union all
    select source, coalesce(choice.id, choice.value), lower(coalesce(choice.label, choice.value)), choice.stop_sla_timer from choices
)

select
    source,
    code,
    case
        when bool_or(label like '%third party%' or label like '%third-party%') then 'hold'
        when bool_or(stops_clock or label like '%waiting on customer%' or label like '%awaiting your reply%') then 'pending'
        when bool_and(not stops_clock) then 'open'
    end as status
from told
where code is not null and try_cast(code as bigint) > 5
group by source, code
