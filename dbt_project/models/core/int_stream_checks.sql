{#- What the streams of a source say of each other, and what an account's own counts say of its tickets' histories. #}
with
{#- First replies of which our calendar time is the vendor's: their business time must be, too, by whatever schedule. #}
timed as (
    select
        t.source, t.channel,
        abs({{ seconds('m.first_reply_calendar') }} - n.first_reply_calendar * u.unit_seconds) < u.unit_seconds as is_same_reply,
        least(
            abs({{ seconds('m.first_reply_business') }} - n.first_reply_business * u.unit_seconds),
            abs({{ seconds('m.first_reply_business_last_schedule') }} - n.first_reply_business * u.unit_seconds)
        ) < 2 * u.unit_seconds as is_same_time
    from {{ ref('int_ticket_measures') }} as m
    inner join {{ ref('int_tickets') }} as t on m.source = t.source and m.ticket_id = t.ticket_id
    inner join {{ ref('int_vendor_numbers') }} as n on m.source = n.source and m.ticket_id = n.ticket_id
    inner join {{ ref('vendor_numbers') }} as u on n.published_in = u.published_in and u.number = 'first_reply_business'
    where not n.is_full_set and m.first_reply_origin = 'events'
),

{#- Where forms are of one helpdesk, known by its customers. #}
answered as (
    select distinct a.helpdesk as source, a.ticket_id, a.ticket_source is not null as is_known
    from {{ ref('int_answers') }} as a
    where {{ filled('a.ticket_id') }} is not null and a.helpdesk <> a.source
)

select source, channel, rule, expected, found
from ({{ united('stream_checks', ['source', 'channel', 'rule', 'expected', 'found']) }}) as s
union all
select source, channel, rule, expected, found from {{ ref('int_history_checks') }}
union all
select source, null, 'answered_tickets_are_there', count(*), count(case when is_known then 1 end) from answered group by source
union all
select source, channel, 'business_times_agree', count(*), count(case when is_same_time then 1 end)
from timed
where is_same_reply and is_same_time is not null
group by source, channel
