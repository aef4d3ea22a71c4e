{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
with targets as ({{ united('declared_targets', [
    'source', 'ticket_id', 'metric', 'applied_at', 'due_at', 'ended_at', 'verdict', 'is_end_unusable'
]) }})

select
    d.source,
    d.ticket_id,
    d.metric,
    d.applied_at,
    {{ time_since('d.applied_at', 'd.due_at') }} as due_at,
    {{ time_since('d.applied_at', 'd.ended_at') }} as ended_at,
    d.verdict,
    {{ is_misdated('d.due_at', 'd.applied_at') }} as is_due_misdated,
    {{ is_misdated('d.ended_at', 'd.applied_at') }} as is_end_misdated,
    {{ is_misdated('d.ended_at', 'd.applied_at') }} or d.is_end_unusable as is_end_lost
from targets as d
