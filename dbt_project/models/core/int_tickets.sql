{{ config(meta={'next_at': 'touched'}, materialized='incremental', incremental_strategy='replace_touched') }}
{%- set columns = [
    'source', 'ticket_id', 'created_at', 'status', 'priority', 'source_priority', 'channel', 'is_outgoing', 'support_type', 'handed_over_at',
    'customer_id', 'organization_id', 'group_id', 'assignee_id', 'segment', 'product', 'service_area', 'complexity', 'dimensions',
    'collaborator_ids', 'rating_score', 'exclusion_reason', 'is_untimed',
    'declared_first_reply_at', 'declared_resolved_at', 'declared_closed_at', 'declares_first_reply', 'declares_resolved', 'declared_reopens',
    'declared_replies', 'handle_seconds', 'unusable_handle_seconds', 'logs_assignment', 'is_sampled', 'unusable', 'changed_at', 'version_at',
    'told_last_solved_at', 'told_first_solved_at', 'told_status_at', 'told_assignee_at', 'told_first_assigned_at',
    'told_first_resolution_business_seconds', 'told_full_resolution_business_seconds', 'link'
] -%}
with tickets as ({{ united('tickets', columns) }}),

{#- The organization of the ticket, else the customer's own when the ticket was created. #}
with_organization as (
    select t.*, coalesce(t.organization_id, u.organization_id) as known_organization_id
    from tickets as t
    left join {{ ref('int_users') }} as u
        on t.source = u.source and t.customer_id = u.user_id and t.created_at >= u.valid_from and t.created_at < u.valid_to
    where t.created_at <= {{ as_of() }}
),

{#- By the rules that need no vendor's word. #}
marked as (
    select
        t.source, t.ticket_id,
        {{ exclusion_marks('r') }}
    from with_organization as t
    inner join {{ ref('exclusion_rules') }} as r
        on r.source in (t.source, '*') and (
            (r.mark = 'channel' and r.value = t.channel)
            or (r.mark = 'created_before' and {{ business_date('t.created_at') }} < try_cast(r.value as date))
        )
    group by t.source, t.ticket_id
)

select
    t.source,
    t.ticket_id,
    t.created_at,
    {#- No history of a ticket says any: then it is as it came. #}
    coalesce(t.status, 'new') as status,
    t.priority,
    t.source_priority,
    t.channel,
    t.is_outgoing,
    t.support_type,
    {{ time_since('t.created_at', 't.handed_over_at') }} as handed_over_at,
    t.customer_id,
    t.known_organization_id as organization_id,
    t.group_id,
    t.assignee_id,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    coalesce(t.{{ attribute }}, o.{{ attribute }}, sc.{{ attribute }}, so.{{ attribute }}) as {{ attribute }},
    {% endfor %}
    t.organization_id as ticket_organization_id,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    t.{{ attribute }} as field_{{ attribute }},
    {% endfor %}
    t.dimensions,
    t.collaborator_ids,
    t.rating_score,
    coalesce(t.exclusion_reason, m.reason) as exclusion_reason,
    not coalesce(t.is_untimed or m.is_untimed, false) and {{ is_by_human('t') }} as is_timed,
    {% for time in ['first_reply', 'resolved'] %}
    {{ time_since('t.created_at', 't.declared_' ~ time ~ '_at') }} as declared_{{ time }}_at,
    ({{ is_misdated('t.declared_' ~ time ~ '_at', 't.created_at') }} or list_contains(t.unusable, '{{ time }}_at'))
    {%- if time == 'resolved' %} and coalesce(t.status in ('solved', 'closed'), false){% endif %} as is_{{ time }}_lost,
    {% endfor %}
    {% for time in ['first_reply', 'resolved', 'closed'] %}
    {{ is_misdated('t.declared_' ~ time ~ '_at', 't.created_at') }} as is_{{ time }}_misdated,
    {% endfor %}
    t.declares_first_reply,
    t.declares_resolved,
    t.declared_reopens,
    t.declared_replies,
    t.handle_seconds,
    t.unusable_handle_seconds,
    t.logs_assignment,
    t.is_sampled,
    t.changed_at,
    {#- What a version says that is newer than the as-of time is not asked. #}
    case when t.version_at <= {{ as_of() }} then t.version_at end as version_at,
    {% for time in ['last_solved', 'first_solved', 'status', 'assignee', 'first_assigned'] %}
    case
        when t.version_at <= {{ as_of() }} and t.told_{{ time }}_at <= {{ as_of() }} then {{ time_since('t.created_at', 't.told_' ~ time ~ '_at') }}
    end as told_{{ time }}_at,
    {% endfor %}
    t.link,
    {% for measure in ['first_resolution', 'full_resolution'] %}
    case
        when t.version_at <= {{ as_of() }} and t.told_{{ measure }}_business_seconds <= {{ seconds(micros_between('t.created_at', as_of())) }}
            then cast(t.told_{{ measure }}_business_seconds * 1e6 as bigint)
    end as told_{{ measure }}_business{{ ',' if not loop.last }}
    {% endfor %}
from with_organization as t
left join marked as m on t.source = m.source and t.ticket_id = m.ticket_id
left join {{ ref('int_organizations') }} as o
    on t.source = o.source and t.known_organization_id = o.organization_id
    and t.created_at >= o.valid_from and t.created_at < o.valid_to
left join {{ ref('segments') }} as sc on t.source = sc.source and t.customer_id = sc.customer_id
left join {{ ref('segments') }} as so
    on t.source = so.source and t.known_organization_id = so.organization_id and so.customer_id is null
