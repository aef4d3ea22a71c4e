{#- What people wrote and who they are: read from the landing on demand, for published_restricted/ alone; staging holds none of it. #}

{#- Whether this run publishes it (CXMARTS_RESTRICTED). #}
{% macro is_restricted_on() %}{{ return(execute and env_var('CXMARTS_RESTRICTED', '') == 'true') }}{% endmacro %}

{#- Records of a stream as they landed: record_id, batch_id and `p`, the payload as a typed struct. None when this run may not read them. #}
{% macro landed_again(vendor, stream, shape) %}
{% do source('raw_' ~ vendor, stream) %}
{% set batches = run_query(
    "select path from control.batches where vendor = '" ~ vendor ~ "' and stream = '" ~ stream ~ "' and verdict in ('passed', 'waived') order by path"
).rows if execute and is_restricted_on() else [] %}
select r.record_id, r.batch_id, {{ parse_json('r.payload', shape) }} as p from {{ landed_files(batches) }} as r
{% endmacro %}

{#- What each response says in words, and the address that it leaves: source, response_id, comment, email. One row per staged record. #}
{% macro written_answers() %}
select s.source, s.record_id as response_id, w.p.comment as comment, cast(null as varchar) as email
from {{ ref('stg_zendesk__satisfaction_ratings') }} as s
inner join ({{ landed_again('zendesk', 'satisfaction_ratings', {'comment': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
union all
select s.source, s.record_id, {{ joined_texts('w.p.answers', 'a', "a.type = 'open_ended'", 'a.value') }}, null
from {{ in_force(ref('stg_zendesk__survey_responses')) }} as s
inner join ({{ landed_again('zendesk', 'survey_responses', {'answers': [{'type': 'VARCHAR', 'value': 'VARCHAR'}]}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
union all
select
    s.source, s.response_id, {{ joined_texts('w.p.answers', 'a', "a.type = 'text'", 'a.text') }},
    {{ joined_texts('w.p.answers', 'a', "a.type = 'email'", 'a.email') }}
from {{ ref('stg_typeform__responses') }} as s
inner join ({{ landed_again('typeform', 'responses', {'answers': [{'type': 'VARCHAR', 'text': 'VARCHAR', 'email': 'VARCHAR'}]}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
union all
select s.source, s.response_id, w.p.values.comment, null
from {{ in_force(ref('stg_files__survey_answers')) }} as s
inner join ({{ landed_again('files', 'survey_answers', {'values': {'comment': 'VARCHAR'}}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
{% endmacro %}

{#- Names and addresses of helpdesks' users: source, customer_id, customer_name, email. #}
{% macro named_customers() %}
select s.source, s.record_id as customer_id, w.p.name as customer_name, w.p.email as email
from {{ in_force(ref('stg_zendesk__users')) }} as s
inner join ({{ landed_again('zendesk', 'users', {'name': 'VARCHAR', 'email': 'VARCHAR'}) }}) as w
    on s.record_id = w.record_id and s.batch_id = w.batch_id
{% endmacro %}
