{#- What tickets and their comments say of other tickets: ticket_id tells that linking_ticket_id has a relation to linked_ticket_id. #}
with versions as (
    select *, row_number() over (partition by source, record_id order by {{ in_force_first('changed_at') }}) as version_no
    from {{ ref('stg_zendesk__tickets') }} as t
    where {{ is_touched('t', 'record_id') }}
),

{#- Where a ticket came from never changes; the rest is as in the version of the as-of time. #}
tickets as (
    select
        source, record_id as ticket_id, origin_relation, origin_ticket_id,
        case when changed_at <= {{ as_of() }} then problem_id end as problem_id,
        case when changed_at <= {{ as_of() }} then followup_ids end as followup_ids
    from versions
    where version_no = 1
),

followed as (select source, ticket_id, unnest(followup_ids) as followup_id from tickets),

{#- A merge leaves a note on both tickets, and closes the one that is merged away. #}
{% for stream, is_closing in [
    ('ticket_events', "c.status in ('solved', 'closed') or list_contains(c.added_tags, 'closed_by_merge')"),
    ('ticket_audits', "c.field_name = 'status' and c.value in ('solved', 'closed')")
] %}
{{ stream }} as (
    select n.source, n.ticket_id, {{ any_element('n.children', 'c', is_closing) }} as is_merged, unnest(n.children) as note
    from {{ ref('stg_zendesk__' ~ stream) }} as n
    where n.event_at <= {{ as_of() }} and {{ is_touched('n') }} and {{ any_element('n.children', 'c', "c.via.source.rel = 'merge'") }}
),

{% endfor %}
merged as (
    {% for stream in ['ticket_events', 'ticket_audits'] %}
    select
        source, ticket_id, is_merged,
        unnest(coalesce(note.via.source['from'].ticket_ids, [note.via.source['from'].ticket_id])) as other_ticket_id
    from {{ stream }}
    where note.via.source.rel = 'merge'
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

told as (
    select source, ticket_id, ticket_id as linking_ticket_id, origin_relation as relation, origin_ticket_id as linked_ticket_id from tickets
    union all
    select source, ticket_id, ticket_id as linking_ticket_id, 'incident', problem_id from tickets
    union all
    select source, ticket_id, followup_id, 'follow_up', ticket_id as linked_ticket_id from followed
    union all
    select
        source, ticket_id, case when is_merged then ticket_id else other_ticket_id end, 'merged_into',
        case when is_merged then other_ticket_id else ticket_id end
    from merged
)

select distinct source, ticket_id, linking_ticket_id, relation, linked_ticket_id
from told
where relation is not null and linking_ticket_id is not null and linked_ticket_id is not null
