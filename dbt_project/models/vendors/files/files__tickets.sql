{{ config(meta={'next_at': 'always'}, materialized='table') }}
{%- set oldest_first = 'greatest(e.event_at, e.begun_at), e.sequence_no nulls first, e.event_at, e.record_id' -%}
with begun as (
    select
        e.*,
        coalesce(
            e.created_at,
            max(case when e.carries_ticket then e.created_at end) over (partition by e.source, e.ticket_id),
            min(e.event_at) over (partition by e.source, e.ticket_id)
        ) as begun_at
    from {{ ref('stg_files__ticket_events') }} as e
    where e.event_at <= {{ as_of() }} and not e.deleted and {{ is_touched('e') }}
),

events as (
    select
        e.*,
        coalesce(e.status, {{ last_known_before('e.status', 'e.source, e.ticket_id', oldest_first) }}) as last_status
    from begun as e
),

stated as (
    select
        e.source, e.ticket_id, e.begun_at as created_at, e.first_reply_at, e.resolved_at, e.closed_at, e.last_status as status, e.priority,
        e.source_priority, e.complexity,
        e.channel, e.customer_id, e.organization_id, e.group_id, e.assignee_id, e.segment, e.product, e.service_area, e.dimensions, e.exclusion,
        e.reopens, e.public_agent_replies, e.handle_seconds, e.sla, e.declares, e.unusable, e.deleted, e.fetched_at, e.changed_at,
        cast(null as timestamp) as version_at,
        row_number() over (
            partition by e.source, e.ticket_id
            order by greatest(e.event_at, e.begun_at) desc, e.sequence_no desc nulls last, e.event_at desc, e.record_id desc
        ) as version_no
    from events as e
    where e.carries_ticket
),

versions as (
    select
        t.source, coalesce(t.ticket_id, t.record_id) as ticket_id, t.created_at, t.first_reply_at, t.resolved_at, t.closed_at, t.status, t.priority,
        t.source_priority, t.complexity, t.channel, t.customer_id, t.organization_id, t.group_id, t.assignee_id, t.segment, t.product,
        t.service_area, t.dimensions, t.exclusion, t.reopens, t.public_agent_replies, t.handle_seconds, t.sla, t.declares, t.unusable,
        t.deleted, t.fetched_at, t.changed_at,
        t.changed_at as version_at,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}) as version_no
    from {{ ref('stg_files__tickets') }} as t
    where {{ is_touched('t', 'record_id') }}
),

tickets as (
    select * from versions where version_no = 1
    union all
    select s.* from stated as s
    where s.version_no = 1
      and not exists (select 1 from versions as v where v.source = s.source and v.ticket_id = s.ticket_id)
)

select
    t.source,
    t.ticket_id,
    t.created_at,
    t.status,
    t.priority,
    t.source_priority,
    t.channel,
    cast(null as boolean) as is_outgoing,
    cast(null as varchar) as support_type,
    cast(null as timestamp) as handed_over_at,
    t.customer_id,
    t.organization_id,
    nullif(t.group_id, '') as group_id,
    nullif(t.assignee_id, '') as assignee_id,
    t.segment,
    t.product,
    t.service_area,
    t.complexity,
    t.dimensions,
    cast([] as varchar[]) as collaborator_ids,
    cast(null as varchar) as rating_score,
    case
        when t.exclusion is not null then t.exclusion
        when t.deleted then 'deleted'
    end as exclusion_reason,
    false as is_untimed,
    case when t.first_reply_at <= {{ as_of() }} then t.first_reply_at end as declared_first_reply_at,
    case when t.resolved_at <= {{ as_of() }} then t.resolved_at end as declared_resolved_at,
    case when t.closed_at <= {{ as_of() }} then t.closed_at end as declared_closed_at,
    list_contains(t.declares, 'first_reply_at') as declares_first_reply,
    list_contains(t.declares, 'resolved_at') as declares_resolved,
    t.reopens as declared_reopens,
    t.public_agent_replies as declared_replies,
    cast(t.handle_seconds as double) as handle_seconds,
    cast(null as varchar) as unusable_handle_seconds,
    false as logs_assignment,
    false as is_sampled,
    t.unusable,
    t.changed_at,
    {#- A log's last row is one of its events. #}
    t.version_at,
    t.resolved_at as told_last_solved_at,
    {% for time in ['first_solved', 'status', 'assignee', 'first_assigned'] %}
    cast(null as timestamp) as told_{{ time }}_at,
    {% endfor %}
    cast(null as double) as told_first_resolution_business_seconds,
    cast(null as double) as told_full_resolution_business_seconds,
    cast(null as varchar) as link,
    t.fetched_at,
    t.sla
from tickets as t
