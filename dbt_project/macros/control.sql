{#- The warehouse's book-keeping, in schema `control`. Every write below shares the transaction of the model that causes it. #}

{% macro create_control_tables() %}
create schema if not exists control;
create table if not exists control.batches (
    source varchar, vendor varchar, stream varchar, batch_id varchar, path varchar, rows bigint, verdict varchar,
    reason varchar, held_since timestamp
);
create table if not exists control.held_rows (
    source varchar, stream varchar, batch_id varchar, record_id varchar, reason varchar
);
create table if not exists control.unpublished_batches (batch_id varchar);
create table if not exists control.parsed_batches (model varchar, batch_id varchar, rows bigint, rejected bigint);
create table if not exists control.applied_batches (model varchar, batch_id varchar);
create table if not exists control.rejected_rows (
    model varchar, source varchar, batch_id varchar, record_id varchar, fetched_at timestamp, reason varchar
);
create table if not exists control.rejected_values (
    model varchar, source varchar, batch_id varchar, record_id varchar, fetched_at timestamp, field varchar, value_shape varchar, reason varchar
);
create table if not exists control.staged_rows (model varchar, source varchar, rows bigint);
create table if not exists control.superseded_rows (model varchar, source varchar, build_id varchar, rows bigint);
create table if not exists control.model_builds (model varchar, build_id varchar, as_of timestamp, built_at timestamp);
create table if not exists control.started_builds (build_id varchar);
create table if not exists control.completed_builds (build_id varchar, as_of timestamp);
create table if not exists control.built_batches (batch_id varchar);
create table if not exists control.source_status (
    source varchar, vendor varchar, stream varchar, is_on boolean, is_stale boolean, last_fetched_at timestamp,
    received bigint, landed bigint, duplicates bigint, unchanged bigint, tombstones bigint
);
create table if not exists control.published_sql (place integer, name varchar, sql varchar);
create table if not exists control.published (
    mart varchar, version varchar, as_of timestamp, path varchar, declared varchar, cause varchar
);
{#- A run that touches more than the parsing has started a build; until it is closed, its tables may disagree. #}
{% set building = [] %}
{% for id in (selected_resources if execute else []) if id.startswith('model.') and '.new_' not in id %}{% do building.append(id) %}{% endfor %}
{% if building %}
insert into control.started_builds select {{ build_id() }} where {{ build_id() }} not in (select build_id from control.started_builds);
{% endif %}
{% endmacro %}

{#- Marks the model as built by this run; publishing refuses a mart without the mark. #}
{% macro record_build() %}
delete from control.model_builds where model = '{{ this.name }}';
insert into control.model_builds values ('{{ this.name }}', {{ build_id() }}, {{ as_of() }}, now() at time zone 'UTC');
{% endmacro %}

{#- Closes the build when nothing failed: what it applied needs no further look. CXMARTS_CLOSE_BUILD says that the
    run holds all models. #}
{% macro close_build(results) %}
{% if execute and env_var('CXMARTS_CLOSE_BUILD', '') == 'true' and results | selectattr('status', 'in', ['error', 'fail', 'skipped', 'runtime error']) | list | length == 0 %}
delete from control.started_builds;
delete from control.completed_builds;
insert into control.completed_builds values ({{ build_id() }}, {{ as_of() }});
insert into control.built_batches
select distinct batch_id from control.applied_batches
where batch_id not in (select batch_id from control.built_batches);
{% endif %}
{% endmacro %}
