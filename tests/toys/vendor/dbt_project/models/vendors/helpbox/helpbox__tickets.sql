select
    t.source,
    t.record_id as ticket_id,
    t.created_at,
    t.status,
    cast(null as varchar) as priority,
    cast(null as varchar) as source_priority,
    t.channel,
    cast(null as boolean) as is_outgoing,
    t.customer_id,
    cast(null as varchar) as organization_id,
    cast(null as varchar) as group_id,
    t.assignee_id,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    cast(null as varchar) as {{ attribute }},
    {% endfor %}
    {{ no_dimensions() }} as dimensions,
    cast([] as varchar[]) as collaborator_ids,
    cast(null as varchar) as rating_score,
    case when t.deleted then 'deleted' end as exclusion_reason,
    {% for time in ['first_reply', 'resolved', 'closed'] %}
    cast(null as timestamp) as declared_{{ time }}_at,
    {% endfor %}
    false as declares_first_reply,
    false as declares_resolved,
    cast(null as bigint) as declared_reopens,
    cast(null as bigint) as declared_replies,
    cast(null as double) as handle_seconds,
    cast(null as varchar) as unusable_handle_seconds,
    false as logs_assignment,
    cast([] as varchar[]) as unusable,
    t.changed_at
from {{ in_force(ref('stg_helpbox__tickets')) }} as t
where {{ is_touched('t', 'record_id') }}
