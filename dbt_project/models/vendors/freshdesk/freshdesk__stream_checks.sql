{{ config(meta={'next_at': 'horizon'}, materialized='table') }}
{#- What one stream of an account says that there is (expected), and how much of it another has (found): per channel of the ticket. #}
with versions as (
    select
        t.source, t.record_id, t.channel, t.requester_id, t.is_deleted, t.changed_at, t.created_at, t.vendor_first_responded_at,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}, t.fetched_at desc, t.list_no desc) as version_no
    from {{ ref('freshdesk__ticket_versions') }} as t
),

answered as (
    select distinct source, ticket_id
    from {{ ref('stg_freshdesk__conversations') }}
    where not is_private and not coalesce(is_incoming, false) and event_at <= {{ as_of() }}
),

known as (
    select v.*, a.ticket_id is not null as has_reply
    from versions as v
    left join answered as a on v.source = a.source and v.record_id = a.ticket_id
    where v.version_no = 1 and not v.is_deleted and v.created_at is not null and v.changed_at <= {{ as_of() }}
)

{%- set checks = {
    'tickets_have_requesters': ('true', 'requester_id is not null'),
    'timed_replies_are_counted': ('vendor_first_responded_at is not null', 'has_reply')
} %}

{% for name, (expected, found) in checks.items() %}
select
    source, channel, '{{ name }}' as rule, count(*) as expected, count(case when {{ found }} then 1 end) as found, cast(null as timestamp) as settles_at
from known
where {{ expected }}
group by source, channel
{{ 'union all' if not loop.last }}
{% endfor %}
