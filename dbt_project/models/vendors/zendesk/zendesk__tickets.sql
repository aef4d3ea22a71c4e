{{ config(meta={'next_at': 'touched'}) }}
{%- set own = own_dimensions() -%}
with versions as (
    select *, row_number() over (partition by source, record_id order by {{ in_force_first('changed_at') }}) as version_no
    from {{ ref('stg_zendesk__tickets') }} as t
    where {{ is_touched('t', 'record_id') }}
),

tickets as (select * from versions where version_no = 1),

fields as (select distinct source, field_id, attribute from {{ ref('zendesk__ticket_fields') }} where attribute is not null),

custom_values as (
    select t.source, t.record_id, unnest(t.custom_fields) as field from tickets as t
),

custom as (
    select
        v.source,
        v.record_id,
        {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
        max(case when m.attribute = '{{ attribute }}' then nullif(v.field.value, '') end) as {{ attribute }},
        {% endfor %}
        {% for name in own %}
        max(case when m.attribute = '{{ name }}' then nullif(v.field.value, '') end) as own_{{ name }},
        {% endfor %}
        max(case when m.attribute = 'handle_seconds' then nullif(v.field.value, '') end) as handle_seconds
    from custom_values as v
    inner join fields as m on v.source = m.source and v.field.id = m.field_id
    group by v.source, v.record_id
),

{#- When an AI agent handed a ticket over to humans, also after the as-of time: until then it had it. #}
handovers as (
    select c.source, c.ticket_id, min(c.event_at) as handed_over_at
    from (
        {% for stream in ['ticket_events', 'ticket_audits'] %}
        select e.source, e.ticket_id, e.event_at
        from {{ ref('stg_zendesk__' ~ stream) }} as e
        where e.hands_over and {{ is_touched('e') }}
        {{ 'union all' if not loop.last }}
        {% endfor %}
    ) as c
    group by c.source, c.ticket_id
),

{#- The vendor's clocks that a solve fulfills. #}
ends as (
    select e.source, e.ticket_id, min(e.event_at) as first_solved_at, max(e.event_at) as last_solved_at
    from {{ ref('stg_zendesk__ticket_metric_events') }} as e
    where e.metric in ('agent_work_time', 'requester_wait_time', 'resolution_time') and e.event_type = 'fulfill'
      and e.event_at <= {{ as_of() }} and not e.is_withdrawn and not e.deleted and {{ is_touched('e') }}
    group by e.source, e.ticket_id
),

{#- When the vendor says that it was solved. Within the minutes' rounding a first solve is the last one. #}
solves as (
    select
        t.source,
        t.record_id,
        coalesce(t.vendor_solved_at, e.last_solved_at) as last_solved_at,
        case
            when t.vendor_first_resolution_minutes * 60 <= {{ seconds(micros_between('t.created_at', as_of())) }}
                then {{ add_micros('t.created_at', 'cast(t.vendor_first_resolution_minutes * 60e6 as bigint)') }}
            when t.vendor_first_resolution_minutes is null then coalesce(e.first_solved_at, case when t.vendor_reopens = 0 then t.vendor_solved_at end)
        end as first_solved_at
    from tickets as t
    left join ends as e on t.source = e.source and t.record_id = e.ticket_id
),

tagged as (select source, record_id, unnest(tags) as tag from tickets),

marked as (
    select
        t.source, t.record_id,
        {{ exclusion_marks('r') }}
    from tagged as t
    inner join {{ ref('exclusion_rules') }} as r on r.source in (t.source, '*') and r.mark = 'tag' and r.value = t.tag
    group by t.source, t.record_id
)

select
    t.source,
    t.record_id as ticket_id,
    t.created_at,
    t.status,
    case when {{ is_known('t.priority', zendesk_priorities()) }} then t.priority end as priority,
    t.priority as source_priority,
    t.channel,
    t.is_outgoing,
    case when t.changed_at > {{ as_of() }} and h.handed_over_at > {{ as_of() }} then 'ai_agent' else t.support_type end as support_type,
    case when h.handed_over_at <= {{ as_of() }} then h.handed_over_at end as handed_over_at,
    t.requester_id as customer_id,
    t.organization_id,
    t.group_id,
    t.assignee_id,
    c.segment,
    c.product,
    c.service_area,
    c.complexity,
    {{ stated_dimensions('c.own_') }} as dimensions,
    t.collaborator_ids,
    t.rating_score,
    case when m.reason is not null then m.reason when t.deleted or t.status = 'deleted' then 'deleted' end as exclusion_reason,
    coalesce(m.is_untimed, false) as is_untimed,
    cast(null as timestamp) as declared_first_reply_at,
    cast(null as timestamp) as declared_resolved_at,
    cast(null as timestamp) as declared_closed_at,
    false as declares_first_reply,
    false as declares_resolved,
    cast(null as bigint) as declared_reopens,
    cast(null as bigint) as declared_replies,
    {{ number_value('handle_seconds', 'c.handle_seconds', 'double')['value'] }} as handle_seconds,
    case when {{ number_value('handle_seconds', 'c.handle_seconds')['fault'] }} is not null then c.handle_seconds end as unusable_handle_seconds,
    true as logs_assignment,
    false as is_sampled,
    cast([] as varchar[]) as unusable,
    t.changed_at,
    t.changed_at as version_at,
    s.last_solved_at as told_last_solved_at,
    case
        when abs({{ micros_between('s.first_solved_at', 's.last_solved_at') }}) < 60000000 then s.last_solved_at
        when coalesce(s.first_solved_at <= s.last_solved_at, true) then s.first_solved_at
    end as told_first_solved_at,
    t.vendor_first_resolution_business_minutes * 60 as told_first_resolution_business_seconds,
    t.vendor_full_resolution_business_minutes * 60 as told_full_resolution_business_seconds,
    coalesce(t.vendor_status_updated_at, t.vendor_custom_status_updated_at) as told_status_at,
    t.vendor_assignee_updated_at as told_assignee_at,
    t.vendor_initially_assigned_at as told_first_assigned_at,
    {#- The agents' screen of what the API names by its own address. #}
    case
        when {{ matches('t.api_url', '^https?://[^/]+/api/v2/tickets/[0-9]+[.]json$') }}
            then replace(replace(t.api_url, '/api/v2/tickets/', '/agent/tickets/'), '.json', '')
    end as link
from tickets as t
left join solves as s on t.source = s.source and t.record_id = s.record_id
left join handovers as h on t.source = h.source and t.record_id = h.ticket_id
left join custom as c on t.source = c.source and t.record_id = c.record_id
left join marked as m on t.source = m.source and t.record_id = m.record_id
