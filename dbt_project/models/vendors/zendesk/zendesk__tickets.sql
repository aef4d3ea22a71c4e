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

tagged as (select source, record_id, unnest(tags) as tag from tickets),

marked as (
    select
        t.source, t.record_id,
        min(case when coalesce(r.scope, 'all') = 'all' then r.reason end) as reason,
        bool_or(r.scope = 'times') as is_untimed
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
    cast([] as varchar[]) as unusable,
    t.changed_at
from tickets as t
left join custom as c on t.source = c.source and t.record_id = c.record_id
left join marked as m on t.source = m.source and t.record_id = m.record_id
