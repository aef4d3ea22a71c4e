{{ config(materialized='ephemeral') }}
{#- Weekly opening intervals by schedule version; minutes from the local midnight of `weekday` (0 is Sunday). #}
with versions as (
    select
        s.*,
        row_number() over (partition by s.source, s.record_id order by s.changed_at) as version_no,
        lead(s.changed_at) over (partition by s.source, s.record_id order by s.changed_at) as next_changed_at
    from {{ ref('stg_zendesk__schedules') }} as s
),

known as (
    select
        v.source,
        v.source || '/' || v.record_id as schedule_key,
        v.record_id as schedule_id,
        coalesce(z.time_zone, v.time_zone) as time_zone,
        v.created_at,
        v.deleted,
        case when v.version_no = 1 then {{ the_beginning() }} else v.changed_at end as valid_from,
        coalesce(v.next_changed_at, {{ the_end() }}) as valid_to,
        v.intervals,
        v.holidays
    from versions as v
    left join {{ ref('zone_names') }} as z on v.time_zone = z.name
    where v.version_no = 1 or v.changed_at <= {{ as_of() }}
)

select * from known
