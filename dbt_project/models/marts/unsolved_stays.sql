{{ config(meta={'next_at': 'always'}, materialized='view', post_hook="{{ keep_published_view(1) }}") }}
{#- On which local days a ticket was unsolved at the day's end, where, and how old; without a history, from its creation to its solve. #}
with tickets as (select * from {{ ref('tickets') }}),

states as (select * from {{ ref('ticket_states') }}),

age_buckets as ({{ age_bucket_rows() }}),

unsolved as (
    select
        t.source, t.ticket_id, s.state_no, t.created_at, t.segment, t.product, t.service_area, t.complexity, t.channel,
        t.organization_id, s.priority, s.group_id, s.assignee_id, s.status,
        {{ business_date('s.started_at') }} as from_day, {{ day_before_or_today('s.ended_at') }} as until_day
    from tickets as t
    inner join states as s on t.source = s.source and t.ticket_id = s.ticket_id
    where {{ is_by_human('t') }} and t.has_status_history and s.status in ({{ unsolved_statuses() }})
    union all
    select
        t.source, t.ticket_id, 1, t.created_at, t.segment, t.product, t.service_area, t.complexity, t.channel,
        t.organization_id, t.priority, t.group_id, t.assignee_id, t.status,
        {{ business_date('t.created_at') }}, {{ day_before_or_today('t.last_solved_at') }}
    from tickets as t
    where {{ is_by_human('t') }} and not t.has_status_history and (t.last_solved_at is not null or not t.is_solved)
),

stays as (
    select u.*, 'all' as age_bucket, u.from_day as aged_from, u.until_day as aged_until
    from unsolved as u
    union all
    select
        u.*, b.age_bucket,
        greatest(u.from_day, {{ business_date(add_micros('u.created_at', 'b.from_days * 86400000000')) }}),
        least(u.until_day, {{ day_before_or_today(add_micros('u.created_at', 'b.to_days * 86400000000')) }})
    from unsolved as u
    cross join age_buckets as b
    where {{ add_micros('u.created_at', 'b.from_days * 86400000000') }} <= {{ as_of() }}
)

select
    s.source,
    s.ticket_id,
    s.state_no,
    s.age_bucket,
    s.aged_from as from_day,
    s.aged_until as until_day,
    s.segment,
    s.product,
    s.service_area,
    s.complexity,
    s.channel,
    s.organization_id,
    s.priority,
    s.group_id,
    s.assignee_id,
    s.status
from stays as s
where s.aged_from <= s.aged_until
