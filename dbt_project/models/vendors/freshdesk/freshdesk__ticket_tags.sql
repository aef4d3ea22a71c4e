{#- A tag that a ticket had when the account was first fetched was put there at any time before: till then nobody knows who was tagged when. #}
with wanted as (select source, tag from {{ ref('follow_up_tags') }}),

first_fetches as (
    select source, min(fetched_at) as fetched_at
    from {{ ref('freshdesk__ticket_versions') }}
    where exists (select 1 from wanted)
    group by source
),

versions as (
    select
        v.source, v.record_id, v.changed_at, v.created_at, v.tags,
        row_number() over (partition by v.source, v.record_id order by v.changed_at, v.fetched_at, v.list_no) as version_no
    from {{ ref('freshdesk__ticket_versions') }} as v
    where v.changed_at <= {{ as_of() }} and {{ is_touched('v', 'record_id') }} and exists (select 1 from wanted)
),

tags as (select source, record_id, changed_at, created_at, version_no, unnest(tags) as tag from versions)

select
    t.source,
    t.record_id as ticket_id,
    w.tag,
    min(t.changed_at) as tagged_at,
    cast(null as varchar) as actor_id,
    min(case when t.version_no = 1 and t.created_at < f.fetched_at then f.fetched_at end) as undated_until
from tags as t
inner join wanted as w on w.source in (t.source, '*') and t.tag = w.tag
inner join first_fetches as f on t.source = f.source
group by t.source, t.record_id, w.tag
