{#- What people wrote and who they are: read from the landing on demand, for published_restricted/ alone; staging holds none of it. #}

{% macro is_restricted_on() %}{{ return(execute and env_var('CXMARTS_RESTRICTED', '') == 'true') }}{% endmacro %}

{% macro landed_texts(vendor, stream, shape) %}
{% do source('raw_' ~ vendor, stream) %}
{% set batches = run_query(
    "select path from control.batches where vendor = '" ~ vendor ~ "' and stream = '" ~ stream ~ "' and verdict in ('passed', 'waived') order by path"
).rows if execute and is_restricted_on() else [] %}
select r.record_id, r.batch_id, {{ zoned_to_utc('r.changed_at') }} as changed_at, {{ parse_json('r.payload', shape) }} as p
from (
    select *, row_number() over (partition by record_id, batch_id, changed_at order by file_row_number desc) as turn
    from {{ landed_files(batches) }}
) as r
where r.turn = 1
{% endmacro %}
