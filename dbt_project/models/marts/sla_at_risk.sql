{{ config(meta={'next_at': 'always'}) }}
{#- Open targets that can still be kept, the most pressing first. #}
with active as (
    select
        a.source, a.ticket_id, a.metric, a.instance, a.applied_at, a.policy, a.priority, a.segment, a.product, a.service_area,
        a.complexity, a.channel, a.group_id, a.agent_id, a.target_seconds, a.is_business_hours, a.is_paused, a.due_at,
        a.elapsed_seconds, {{ as_of() }} as as_of
    from {{ ref('sla_targets') }} as a
    where a.outcome = 'active'
)

select
    a.source,
    a.ticket_id,
    a.metric,
    cast(a.instance as integer) as instance,
    a.applied_at,
    {#- A clock that stands still presses less than any that runs. #}
    cast(row_number() over (
        order by a.due_at nulls last, a.target_seconds - a.elapsed_seconds nulls last, a.source, a.ticket_id, a.metric, a.instance, a.applied_at
    ) as bigint) as urgency_rank,
    a.policy,
    a.priority,
    a.segment,
    a.product,
    a.service_area,
    a.complexity,
    a.channel,
    a.group_id,
    a.agent_id,
    a.target_seconds,
    a.is_business_hours,
    a.is_paused,
    a.due_at,
    cast({{ seconds(micros_between('a.as_of', 'a.due_at')) }} as double) as seconds_left,
    cast({{ seconds(business_position('due', 'a.due_at') ~ ' - ' ~ business_position('present', 'a.as_of')) }} as double) as business_seconds_left,
    cast(a.target_seconds - a.elapsed_seconds as double) as clock_seconds_left,
    cast(100e0 * a.elapsed_seconds / nullif(a.target_seconds, 0) as double) as target_used_pct
from active as a
{{ join_business_position('present', 'a', 'a.as_of') }}
{{ join_business_position('due', 'a', 'a.due_at') }}
