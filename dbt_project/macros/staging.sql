{#- The landing's batches on their way into staging: parsed into new_<vendor>__<stream>, judged, merged into stg_<vendor>__<stream>. #}

{% macro parsed_name(name) %}{{ return(name | replace('stg_', 'new_')) }}{% endmacro %}
{% macro staged_name(name) %}{{ return(name | replace('new_', 'stg_')) }}{% endmacro %}

{% macro unapplied_batches(vendor, stream) %}
{% set staged = adapter.get_relation(database=this.database, schema='staging', identifier=staged_name(this.name)) %}
{% set sql %}
select batch_id, path from control.batches as b
where b.vendor = '{{ vendor }}' and b.stream = '{{ stream }}' and b.verdict in ('passed', 'waived')
{% if staged is not none %}
  and not exists (select 1 from control.applied_batches as a where a.model = '{{ staged_name(this.name) }}' and a.batch_id = b.batch_id)
{% endif %}
order by batch_id
{% endset %}
{{ return(run_query(sql).rows) }}
{% endmacro %}

{% macro landed(vendor, stream, shape) %}
{{ config(materialized='table', schema='parse', tags=['parse'], post_hook="{{ after_parse() }}") }}
{% do source('raw_' ~ vendor, stream) %}
{% set batches = unapplied_batches(vendor, stream) if execute else [] %}
select
    b.source,
    r.record_id,
    {{ zoned_to_utc('r.changed_at') }} as changed_at,
    {{ zoned_to_utc('r.fetched_at') }} as fetched_at,
    r.batch_id,
    r.file_row_number as row_no,
    coalesce(r.deleted, false) as deleted,
    case
        when contains(r.payload, 'redacted') then len(regexp_extract_all(r.payload, ':\s*"redacted"'))
        else 0
    end as redacted_fields,
    r.payload,
    {{ parse_json('r.payload', shape) }} as p
from {{ landed_files(batches) }} as r
inner join control.batches as b on r.batch_id = b.batch_id
{% endmacro %}

{% macro landed_files(batches) %}
{% if batches %}
read_parquet([{% for b in batches %}'{{ b.path | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}], file_row_number = true)
{% else %}
(
    select
        cast(null as varchar) as record_id, cast(null as timestamptz) as changed_at, cast(null as timestamptz) as fetched_at,
        cast(null as varchar) as batch_id, false as deleted, cast(null as varchar) as payload,
        cast(null as bigint) as file_row_number
    where false
)
{% endif %}
{% endmacro %}

{% macro envelope() %}source, record_id, changed_at, fetched_at, batch_id, row_no, deleted, redacted_fields{% endmacro %}

{% macro lost_value() -%}
case when contains(payload, chr(92) || 'uFfFd') then 'a value is nested deeper than 500 levels' end
{%- endmacro %}

{% macro lost_text() -%}
case when contains(payload, chr(92) || 'ufFfD') then {{ faults([(
            "coalesce(nullif(regexp_extract(payload, '\"([^\"]+)\"\\s*:\\s*\"(?:[^\"\\\\]|\\\\.)*\\\\ufFfD', 1), ''), 'payload')",
            "cast(null as varchar)", "'is no JSON in part, such as half an emoji'"
        )]) }} end
{%- endmacro %}

{% macro reject_reason(reasons) -%}
coalesce(
        {{ missing('record_id', 'id') }},
        {{ lost_value() }},
        {{ reasons | join(', ') }},
        case
            when not starts_with(payload, '{') then 'the record is no object'
            when changed_at is null then 'changed_at is missing'
            when changed_at > {{ add_days('fetched_at', 1) }} then 'changed_at is later than the fetch'
        end
    ) as reject_reason
{%- endmacro %}

{% macro after_parse() %}
delete from control.parsed_batches where model = '{{ this.name }}';
{% if execute %}
{% set parts = this.name.split('__') %}
{% set vendor = parts[0] | replace('new_', '') %}
insert into control.parsed_batches
select '{{ this.name }}', b.batch_id, count(n.batch_id), count(n.reject_reason)
from control.batches as b
left join {{ this }} as n on n.batch_id = b.batch_id
where b.vendor = '{{ vendor }}' and b.stream = '{{ parts[1] }}' and b.verdict in ('passed', 'waived')
group by b.batch_id
having count(n.batch_id) > 0 or any_value(b.rows) = 0;
{% endif %}
{% endmacro %}

{% macro batches_to_merge() %}
select p.batch_id from control.parsed_batches as p
inner join control.batches as b on p.batch_id = b.batch_id and b.verdict in ('passed', 'waived')
where p.model = '{{ parsed_name(this.name) }}'
  and not exists (select 1 from control.applied_batches as a where a.model = '{{ this.name }}' and a.batch_id = p.batch_id)
{% endmacro %}

{% macro before_merge() %}
delete from control.staged_rows where model = '{{ this.name }}';
{% if execute and not is_incremental() %}
delete from control.applied_batches where model = '{{ this.name }}';
delete from control.rejected_rows where model = '{{ this.name }}';
delete from control.rejected_values where model = '{{ this.name }}';
delete from control.superseded_rows where model = '{{ this.name }}';
{% elif execute %}
insert into control.staged_rows select '{{ this.name }}', source, count(*) from {{ this }} group by source;
{% endif %}
{% endmacro %}

{% macro after_merge() %}
{% set parsed = this.incorporate(path={'schema': 'parse', 'identifier': parsed_name(this.name)}) %}
insert into control.rejected_rows
select '{{ this.name }}', source, batch_id, record_id, fetched_at, reject_reason
from {{ parsed }}
where reject_reason is not null and batch_id in ({{ batches_to_merge() }});
insert into control.rejected_values
select '{{ this.name }}', source, batch_id, record_id, fetched_at, v.field, v.value_shape, v.reason
from (
    select source, batch_id, record_id, fetched_at, unnest(rejected_values) as v
    from {{ parsed }}
    where rejected_values is not null and reject_reason is null and batch_id in ({{ batches_to_merge() }})
) as n;
insert into control.superseded_rows
select '{{ this.name }}', source, {{ build_id() }}, sum(rows)
from (
    select source, rows from control.staged_rows where model = '{{ this.name }}'
    union all
    select source, count(*) from {{ parsed }}
    where reject_reason is null and batch_id in ({{ batches_to_merge() }}) group by source
    union all
    select source, -count(*) from {{ this }} group by source
) as c
group by source;
insert into control.applied_batches select '{{ this.name }}', batch_id from ({{ batches_to_merge() }});
{% endmacro %}

{% macro get_incremental_replace_records_sql(arg_dict) %}
{% set target, come = arg_dict['target_relation'], arg_dict['temp_relation'] %}
delete from {{ target }} as t where (t.source, t.record_id) in (select c.source, c.record_id from {{ come }} as c);
insert into {{ target }} select * from {{ come }};
{% endmacro %}

{% macro merge_versions(parsed, keep) %}
{{ config(
    materialized='incremental', incremental_strategy='replace_records', schema='staging', tags=['staging'],
    pre_hook="{{ before_merge() }}", post_hook="{{ after_merge() }}"
) }}
with incoming_keys as (
    select source, record_id from {{ parsed }} where reject_reason is null and batch_id in ({{ batches_to_merge() }})
),

{#- Most records come once: only those that come, or are there, more than once need comparing. #}
known_keys as (
    select source, record_id from incoming_keys
    {% if is_incremental() %}
    union all
    select t.source, t.record_id from {{ this }} as t
    where (t.source, t.record_id) in (select i.source, i.record_id from incoming_keys as i)
    {% endif %}
),

repeated_keys as (
    select source, record_id from known_keys group by source, record_id having count(*) > 1
),

repeated as (
    select {{ star_except(['reject_reason', 'rejected_values'], 'n') }} from {{ parsed }} as n
    where n.reject_reason is null and n.batch_id in ({{ batches_to_merge() }})
      and (n.source, n.record_id) in (select k.source, k.record_id from repeated_keys as k)
    {% if is_incremental() %}
    union all by name
    select t.* from {{ this }} as t
    where (t.source, t.record_id) in (select k.source, k.record_id from repeated_keys as k)
    {% endif %}
),

ranked as (
    select
        *,
        {% if keep == 'newest' %}
        row_number() over (
            partition by source, record_id order by changed_at desc nulls last, fetched_at desc, batch_id desc, row_no desc
        ) as version_rank
        {% else %}
        row_number() over (
            partition by source, record_id, changed_at order by fetched_at desc, batch_id desc, row_no desc
        ) as version_rank,
        max(case when changed_at <= {{ as_of() }} then changed_at end) over (partition by source, record_id) as in_force_at
        {% endif %}
    from repeated
)

select {{ star_except(['row_no', 'reject_reason', 'rejected_values'], 'n') }} from {{ parsed }} as n
where n.reject_reason is null and n.batch_id in ({{ batches_to_merge() }})
  and (n.source, n.record_id) not in (select k.source, k.record_id from repeated_keys as k)
union all by name
select {{ star_except(['row_no', 'version_rank'] if keep == 'newest' else ['row_no', 'version_rank', 'in_force_at']) }}
from ranked
where version_rank = 1
{% if keep == 'current' %}
  and (in_force_at is null or changed_at >= in_force_at)
{% endif %}
{% endmacro %}
