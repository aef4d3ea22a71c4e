{%- set solved = "case when status_code in ('4', '5') then coalesce(vendor_resolved_at, vendor_closed_at) end" -%}
with versions as (
    select
        t.*,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}, t.fetched_at desc, t.list_no desc) as version_no
    from {{ ref('freshdesk__ticket_versions') }} as t
    where t.created_at is not null and {{ is_touched('t', 'record_id') }}
),

{#- Times of the embedded stats, in minutes since the creation. Who is written to first is answered when they answered: another number. #}
stats as (
    select
        source,
        record_id,
        changed_at,
        case
            when vendor_first_responded_at > created_at and coalesce(source_code, '') <> '10'
                then {{ seconds(micros_between('created_at', 'vendor_first_responded_at')) }} / 60
        end as first_reply,
        case when vendor_reopened_at is null then {{ seconds(micros_between('created_at', solved)) }} / 60 end as first_resolution,
        {{ seconds(micros_between('created_at', solved)) }} / 60 as full_resolution,
        case when vendor_reopened_at is null and vendor_status_updated_at is not null then 0 end as reopens
    from versions
    where version_no = 1 and changed_at <= {{ as_of() }}
)

{{ vendor_numbers(compared_numbers(), 'freshdesk_stats', 'changed_at', {
    'first_reply_calendar': 'first_reply', 'first_resolution_calendar': 'first_resolution', 'full_resolution_calendar': 'full_resolution',
    'reopens': 'reopens'
}, ticket_id='record_id') }}
from stats
