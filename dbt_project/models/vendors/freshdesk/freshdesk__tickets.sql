{{ config(meta={'next_at': 'touched'}) }}
{%- set own = own_dimensions() -%}
with ranked as (
    select
        t.*,
        row_number() over (
            partition by t.source, t.record_id
            order by case when t.created_at is null then 1 else 0 end, {{ in_force_first('t.changed_at') }}, t.fetched_at desc, t.list_no desc
        ) as version_no,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}, t.fetched_at desc, t.list_no desc) as news_no
    from {{ ref('freshdesk__ticket_versions') }} as t
    where {{ is_touched('t', 'record_id') }}
),

tickets as (select * from ranked where version_no = 1 and created_at is not null),

{#- Of one that vanished no more comes than that it is gone. #}
newest as (select source, record_id, is_deleted, is_spam from ranked where news_no = 1),

fields as (select distinct source, field_id, attribute from {{ ref('freshdesk__ticket_fields') }} where attribute is not null),

products as (select source, record_id, product_name from {{ in_force(ref('stg_freshdesk__products')) }} as p),

given_values as (
    select c.source, c.record_id, c.field.key as field_id, c.field.value as value
    from (select source, record_id, unnest(custom_fields) as field from tickets) as c
    union all
    select source, record_id, 'ticket_type', ticket_type from tickets
),

custom as (
    select
        v.source,
        v.record_id,
        {% for attribute in ['segment', 'product', 'service_area', 'complexity', 'handle_seconds'] %}
        max(case when m.attribute = '{{ attribute }}' then nullif(v.value, '') end) as {{ attribute }}{{ ',' if not loop.last or own }}
        {% endfor %}
        {% for name in own %}
        max(case when m.attribute = '{{ name }}' then nullif(v.value, '') end) as own_{{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from given_values as v
    inner join fields as m on v.source = m.source and v.field_id = m.field_id
    group by v.source, v.record_id
),

spent as (
    select e.source, e.ticket_id, sum(e.spent_seconds) as seconds
    from {{ ref('stg_freshdesk__time_entries') }} as e
    where not e.deleted and coalesce(e.executed_at, e.created_at) <= {{ as_of() }} and {{ is_touched('e') }}
    group by e.source, e.ticket_id
),

merged as (
    select distinct n.source, n.ticket_id
    from {{ ref('stg_freshdesk__conversations') }} as n
    where n.merged_into_id is not null and n.event_at <= {{ as_of() }} and {{ is_touched('n') }}
),

{#- The group of an agent who works in one alone. Agents name their groups, or groups their agents. #}
members as (
    select a.source, a.record_id as agent_id, unnest(a.group_ids) as group_id
    from {{ in_force(ref('stg_freshdesk__agents')) }} as a
    union
    select g.source, unnest(g.agent_ids), g.record_id
    from {{ in_force(ref('stg_freshdesk__groups')) }} as g
    where not g.deleted
),

agents as (
    select source, agent_id, min(group_id) as group_id from members group by source, agent_id having count(*) = 1
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
    {{ freshdesk_status('t.status_code', 's.status') }} as status,
    t.priority,
    coalesce(t.priority, t.priority_code) as source_priority,
    t.channel,
    t.source_code = '10' as is_outgoing,
    cast(null as varchar) as support_type,
    cast(null as timestamp) as handed_over_at,
    t.requester_id as customer_id,
    t.company_id as organization_id,
    coalesce(t.group_id, a.group_id) as group_id,
    t.responder_id as assignee_id,
    c.segment,
    coalesce(c.product, p.product_name) as product,
    c.service_area,
    c.complexity,
    {{ stated_dimensions('c.own_') }} as dimensions,
    cast([] as varchar[]) as collaborator_ids,
    cast(null as varchar) as rating_score,
    case
        when m.reason is not null then m.reason
        when n.is_deleted then 'deleted'
        when n.is_spam then 'spam'
        when g.ticket_id is not null then 'merged'
    end as exclusion_reason,
    coalesce(m.is_untimed, false) as is_untimed,
    cast(null as timestamp) as declared_first_reply_at,
    cast(null as timestamp) as declared_resolved_at,
    cast(null as timestamp) as declared_closed_at,
    false as declares_first_reply,
    false as declares_resolved,
    cast(null as bigint) as declared_reopens,
    cast(null as bigint) as declared_replies,
    coalesce({{ number_value('handle_seconds', 'c.handle_seconds', 'double')['value'] }}, e.seconds) as handle_seconds,
    case when {{ number_value('handle_seconds', 'c.handle_seconds')['fault'] }} is not null then c.handle_seconds end as unusable_handle_seconds,
    false as logs_assignment,
    true as is_sampled,
    cast([] as varchar[]) as unusable,
    t.changed_at,
    t.changed_at as version_at,
    coalesce(t.vendor_resolved_at, t.vendor_closed_at) as told_last_solved_at,
    cast(null as timestamp) as told_first_solved_at,
    cast(null as double) as told_first_resolution_business_seconds,
    cast(null as double) as told_full_resolution_business_seconds,
    t.vendor_status_updated_at as told_status_at,
    cast(null as timestamp) as told_assignee_at,
    cast(null as timestamp) as told_first_assigned_at,
    cast(null as varchar) as link
from tickets as t
inner join newest as n on t.source = n.source and t.record_id = n.record_id
left join {{ ref('freshdesk__statuses') }} as s on t.source = s.source and t.status_code = s.code
left join custom as c on t.source = c.source and t.record_id = c.record_id
left join products as p on t.source = p.source and t.product_id = p.record_id
left join spent as e on t.source = e.source and t.record_id = e.ticket_id
left join merged as g on t.source = g.source and t.record_id = g.ticket_id
left join agents as a on t.source = a.source and t.responder_id = a.agent_id
left join marked as m on t.source = m.source and t.record_id = m.record_id
