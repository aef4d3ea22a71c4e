select
    t.source,
    t.record_id as ticket_id,
    t.created_at,
    t.status,
    cast(null as varchar) as priority,
    cast(null as varchar) as source_priority,
    t.channel,
    cast(null as boolean) as is_outgoing,
    cast(null as varchar) as support_type,
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
    false as is_untimed,
    {% for time in [
        'handed_over', 'declared_first_reply', 'declared_resolved', 'declared_closed', 'told_last_solved', 'told_first_solved', 'told_status',
        'told_assignee', 'told_first_assigned'
    ] %}
    cast(null as timestamp) as {{ time }}_at,
    {% endfor %}
    {% for measure in ['first_resolution', 'full_resolution'] %}
    cast(null as double) as told_{{ measure }}_business_seconds,
    {% endfor %}
    false as declares_first_reply,
    false as declares_resolved,
    cast(null as bigint) as declared_reopens,
    cast(null as bigint) as declared_replies,
    cast(null as double) as handle_seconds,
    cast(null as varchar) as unusable_handle_seconds,
    false as logs_assignment,
    false as is_sampled,
    cast([] as varchar[]) as unusable,
    t.changed_at,
    t.changed_at as version_at,
    cast(null as varchar) as link
from {{ in_force(ref('stg_helpbox__tickets')) }} as t
where {{ is_touched('t', 'record_id') }}
