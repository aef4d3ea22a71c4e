with wanted as (select source, tag from {{ ref('follow_up_tags') }}),

tags as (
    select v.source, v.record_id, v.changed_at, unnest(v.tags) as tag
    from {{ ref('freshdesk__ticket_versions') }} as v
    where v.changed_at <= {{ as_of() }} and {{ is_touched('v', 'record_id') }} and exists (select 1 from wanted)
)

select t.source, t.record_id as ticket_id, w.tag, min(t.changed_at) as tagged_at, cast(null as varchar) as actor_id
from tags as t
inner join wanted as w on w.source in (t.source, '*') and t.tag = w.tag
group by t.source, t.record_id, w.tag
