with surveyed as (select distinct source, ticket_id from {{ ref('zendesk__survey_versions') }}),

ranked as (
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

select r.source, 'zendesk__satisfaction_ratings' as stream_key, r.ticket_id, r.score, r.created_at as rated_at
from ranked as r
where r.newest_no = 1
  and not exists (select 1 from surveyed as s where s.source = r.source and s.ticket_id = r.ticket_id)
