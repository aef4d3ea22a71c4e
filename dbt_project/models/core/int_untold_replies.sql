{{ config(meta={'next_at': 'touched'}, materialized='table') }}
{#- Touched tickets of which events tell fewer public replies than their vendor counts: conversations whose messages are no comments, comments
    that were not exported. How many more there are, and the first reply as the vendor times it, where it is earlier than what events tell. #}
with seen as (
    select
        e.source,
        e.ticket_id,
        {#- The vendor counts the replies of bots. An agent's opening comment may be one of its replies, but has no reply time. #}
        count(case when not e.is_opening then 1 end) as replies,
        count(*) as comments,
        min(case when not e.is_opening then e.event_at end) as first_reply_at
    from {{ ref('int_ticket_events') }} as e
    left join {{ ref('bots') }} as b on e.source = b.source and e.actor_id = b.user_id and coalesce(b.is_bot, true)
    where e.kind = 'comment' and e.is_public and (e.actor_role = 'agent' or b.user_id is not null) and {{ is_touched('e') }}
    group by e.source, e.ticket_id
),

counted as (
    select
        t.source,
        t.ticket_id,
        t.created_at,
        s.first_reply_at as seen_at,
        v.first_reply_calendar,
        v.first_reply_business,
        coalesce(v.public_agent_replies, case when v.first_reply_calendar is not null then 1 end)
            - coalesce(case when v.first_reply_calendar is null then s.comments else s.replies end, 0) as replies
    from {{ ref('int_vendor_measures') }} as v
    inner join {{ ref('int_tickets') }} as t on v.source = t.source and v.ticket_id = t.ticket_id
    left join seen as s on v.source = s.source and v.ticket_id = s.ticket_id
    where not t.declares_first_reply and t.declared_replies is null
),

{#- A time that can be, by the as-of time. #}
timed as (
    select
        *,
        case when first_reply_calendar <= {{ seconds(micros_between('created_at', as_of())) }}
            then {{ add_micros('created_at', 'cast(first_reply_calendar * 1e6 as bigint)') }}
        end as told_at
    from counted
    where replies > 0
),

{#- Within the vendor's minute it is the same reply. #}
compared as (
    select *, seen_at is null or {{ micros_between('told_at', 'seen_at') }} >= 60000000 as is_earlier from timed
)

select
    source,
    ticket_id,
    cast(replies as bigint) as replies,
    case when is_earlier then told_at end as first_reply_at,
    case when is_earlier and told_at is not null and first_reply_business <= first_reply_calendar
        then cast(first_reply_business * 1e6 as bigint)
    end as first_reply_business
from compared
