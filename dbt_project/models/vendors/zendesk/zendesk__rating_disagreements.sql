{{ config(materialized='ephemeral') }}
{#- Tickets whose score is another than that of their newest rating, though the ticket was exported after it. Where a survey was sent,
    its answer decides. #}
with surveyed as (select distinct source, ticket_id from ({{ zendesk_survey_versions() }}) as v),

newest as (
    select
        r.source, r.ticket_id, r.created_at,
        case when r.score in ('good', 'good_with_comment') then 'good' when r.score in ('bad', 'bad_with_comment') then 'bad' else r.score end
            as score,
        row_number() over (
            partition by r.source, r.ticket_id order by r.created_at desc, try_cast(r.record_id as bigint) desc, r.record_id desc
        ) as newest_no
    from {{ ref('stg_zendesk__satisfaction_ratings') }} as r
    where not r.deleted and r.created_at <= {{ as_of() }}
)

select n.source, 'zendesk__satisfaction_ratings' as stream_key, count(*) as disagreements
from newest as n
inner join {{ ref('int_tickets') }} as t on n.source = t.source and n.ticket_id = t.ticket_id
where n.newest_no = 1 and n.created_at <= t.changed_at and t.changed_at <= {{ as_of() }}
  and t.exclusion_reason is null
  and n.score <> coalesce(t.rating_score, 'unoffered')
  and not exists (select 1 from surveyed as s where s.source = n.source and s.ticket_id = n.ticket_id)
group by n.source
