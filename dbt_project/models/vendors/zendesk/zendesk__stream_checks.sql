{{ config(meta={'next_at': ['horizon', 'min(settles_at)']}, materialized='table') }}
{#- What one stream of an account says that there is (expected), and how much of it another has (found): per channel of the ticket. #}
with tickets as (
    select
        source, record_id, channel, status, deleted, changed_at, created_at, is_public, requester_id, rating_score, rating_reason,
        vendor_reopens, vendor_replies, vendor_solved_at, vendor_first_reply_minutes, vendor_first_reply_business_minutes
    from {{ in_force(ref('stg_zendesk__tickets')) }} as t
    where t.changed_at <= {{ as_of() }}
),

events as (
    select source, ticket_id, min(event_at) as first_at, max(event_at) as last_at,
        coalesce(bool_or(len(comments) > 0), false) as has_comments,
        coalesce(bool_or({{ any_element('comments', 'c', 'coalesce(c.public, c.comment_public, true)') }}), false) as has_public_comments,
        coalesce(bool_or({{ any_element('comments', 'c', 'c.public is null and c.comment_public is not null') }}), false) as has_marks,
        coalesce(bool_or({{ any_element('comments', 'c', 'c.author_id is null and c.comment_public is null') }}), false) as has_unsigned_comments
    from (
        select source, ticket_id, event_at, {{ elements_where('children', 'c', "c.event_type like '%Comment'") }} as comments
        from {{ ref('stg_zendesk__ticket_events') }}
    ) as e
    where event_at <= {{ as_of() }}
    group by source, ticket_id
),

clocks as (
    select source, ticket_id, min(event_at) as first_at, max(event_at) as last_at,
        min(case when metric = 'reply_time' and instance_id = 1 and event_type = 'activate' then event_at end) as asked_at,
        coalesce(bool_or(metric = 'reply_time' and instance_id = 1 and event_type = 'fulfill'), false) as has_reply
    from {{ ref('stg_zendesk__ticket_metric_events') }}
    where event_at <= {{ as_of() }} and not deleted and not is_withdrawn
    group by source, ticket_id
),

ratings as (
    select source, ticket_id, max(reason) as reason
    from {{ ref('stg_zendesk__satisfaction_ratings') }}
    where created_at <= {{ as_of() }} and not deleted
    group by source, ticket_id
),

surveys as (
    select distinct source, ticket_id from {{ ref('zendesk__survey_versions') }} where ticket_id is not null and sent_at <= {{ as_of() }}
),

schedules as (select distinct source from {{ ref('stg_zendesk__schedules') }}),

{#- Streams of a night are read side by side: of the newest hour one may know what another does not yet. #}
settled as (select {{ add_micros(as_of(), '-3600000000') }} as at),

spans as (
    select
        t.source,
        {{ add_micros('e.first_at', '-86400000000') }} as events_from, {{ add_micros('e.last_at', '86400000000') }} as events_to,
        {{ add_micros('c.first_at', '-86400000000') }} as clocks_from, {{ add_micros('c.last_at', '86400000000') }} as clocks_to
    from (select distinct source from tickets) as t
    left join (select source, min(first_at) as first_at, max(last_at) as last_at from events group by source) as e on t.source = e.source
    left join (select source, min(first_at) as first_at, max(last_at) as last_at from clocks group by source) as c on t.source = c.source
),

{#- Until when events of a channel come, and channels of which every ticket until then has some. #}
newest as (
    select t.source, t.channel, max(e.last_at) as last_at
    from tickets as t
    inner join events as e on t.source = e.source and t.record_id = e.ticket_id
    group by t.source, t.channel
),

channels as (
    select n.source, n.channel, n.last_at as events_to
    from newest as n
    inner join tickets as t on n.source = t.source and n.channel = t.channel and t.created_at <= n.last_at and not t.deleted
    left join events as e on t.source = e.source and t.record_id = e.ticket_id
    group by n.source, n.channel, n.last_at
    having count(*) >= 20 and count(*) = count(e.ticket_id)
),

known as (
    select
        t.*,
        e.ticket_id is not null as has_events,
        e.has_comments,
        e.has_public_comments,
        e.has_unsigned_comments,
        e.has_marks,
        coalesce(e.last_at <= t.changed_at or e.last_at > n.at, true) as is_as_new,
        c.ticket_id is not null as has_clocks,
        coalesce(c.has_reply, false) as has_reply_clock,
        {#- The clock starts when somebody asks; an agent may have written before. #}
        coalesce({{ seconds(micros_between('t.created_at', 'c.asked_at')) }} < t.vendor_first_reply_minutes * 60, false) as is_reply_clocked,
        r.ticket_id is not null or v.ticket_id is not null as is_asked,
        v.ticket_id is not null as is_surveyed,
        r.reason is not null as has_reason,
        s.source is not null as has_schedules,
        coalesce(t.created_at <= h.events_to or t.created_at > n.at, true) as is_in_channel,
        coalesce(t.created_at between p.events_from and p.events_to, false) as is_in_events,
        coalesce(t.created_at between p.clocks_from and p.clocks_to, false) as is_in_clocks
    from tickets as t
    cross join settled as n
    left join events as e on t.source = e.source and t.record_id = e.ticket_id
    left join clocks as c on t.source = c.source and t.record_id = c.ticket_id
    left join ratings as r on t.source = r.source and t.record_id = r.ticket_id
    left join surveys as v on t.source = v.source and t.record_id = v.ticket_id
    left join schedules as s on t.source = s.source
    left join spans as p on t.source = p.source
    left join channels as h on t.source = h.source and t.channel = h.channel
    where not t.deleted
),

{#- The vendor's own count; whether it has archived tickets its reference leaves open, so more of ours are none too many. #}
counts as (
    select c.source, c.counted, count(case when not t.deleted and t.created_at <= c.changed_at then 1 end) as landed
    from {{ in_force(ref('stg_zendesk__ticket_counts')) }} as c
    left join tickets as t on c.source = t.source
    where c.changed_at <= {{ as_of() }} and c.counted is not null and not c.deleted
    group by c.source, c.counted
),

named as (
    {% for stream in ['ticket_events', 'ticket_metric_events', 'satisfaction_ratings'] %}
    select source, ticket_id from {{ ref('stg_zendesk__' ~ stream) }} where changed_at <= {{ as_of() }}
    union
    {% endfor %}
    select source, ticket_id from surveys
),

{%- set is_there = 'true' -%}
{%- set checks = {
    'tickets_have_events': (is_there, 'has_events'),
    'events_span_tickets': (is_there, 'is_in_events'),
    'channels_go_on': (is_there, 'is_in_channel'),
    'tickets_are_as_new_as_events': ('has_events', 'is_as_new'),
    'public_tickets_have_public_comments': ('is_public and has_comments', 'has_public_comments'),
    'comments_are_told': ('has_comments', 'not has_marks'),
    'comments_have_authors': ('has_comments', 'not has_unsigned_comments'),
    'tickets_have_clocks': (is_there, 'has_clocks'),
    'clocks_span_tickets': (is_there, 'is_in_clocks'),
    'tickets_have_requesters': (is_there, 'requester_id is not null'),
    'tickets_have_metric_sets': (is_there, 'vendor_reopens is not null'),
    'solves_have_times': ("status in ('solved', 'closed') and vendor_reopens is not null", 'vendor_solved_at is not null'),
    'solves_are_dated': ("status in ('solved', 'closed')", 'has_events or vendor_solved_at is not null'),
    'counted_replies_are_dated': ('vendor_replies > 0', 'has_events or has_reply_clock or vendor_first_reply_minutes is not null'),
    'timed_replies_are_counted': ('vendor_first_reply_minutes is not null', 'vendor_replies > 0'),
    'timed_replies_end_clocks': ('is_reply_clocked', 'has_reply_clock'),
    'business_times_have_schedules': ('vendor_first_reply_minutes <> vendor_first_reply_business_minutes', 'has_schedules'),
    'scored_tickets_have_ratings': ("rating_score <> 'unoffered'", 'is_asked'),
    'reasons_have_ratings': ("rating_reason <> 'No reason provided' and rating_reason <> '' and not is_surveyed", 'has_reason')
} %}

grouped as (
    select
        source, channel
        {% for expected, found in checks.values() %}
        , count(case when {{ expected }} then 1 end) as expected_{{ loop.index }}
        , count(case when ({{ expected }}) and ({{ found }}) then 1 end) as found_{{ loop.index }}
        {% endfor %}
    from known
    group by source, channel
),

rules as (
    {% for name in checks %}
    select source, channel, '{{ name }}' as rule, expected_{{ loop.index }} as expected, found_{{ loop.index }} as found
    from grouped
    where expected_{{ loop.index }} > 0
    union all
    {% endfor %}
    select n.source, cast(null as varchar), 'named_tickets_are_there', count(*), count(t.record_id)
    from named as n
    left join (select distinct source, record_id from {{ ref('stg_zendesk__tickets') }}) as t on n.source = t.source and n.ticket_id = t.record_id
    where n.ticket_id is not null
    group by n.source
    union all
    select source, cast(null as varchar), 'tickets_are_counted', counted, least(counted, landed)
    from counts
),

next_settled as (
    select {{ add_micros('min(k.at)', '3600000000') }} as settles_at
    from (select created_at as at from tickets union all select last_at as at from events) as k
    cross join settled as n
    where k.at > n.at
)

select r.source, r.channel, r.rule, r.expected, r.found, n.settles_at
from rules as r
cross join next_settled as n
