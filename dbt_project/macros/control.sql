{#- The warehouse's book-keeping. Its tables are created by orchestration/warehouse/control_tables.sql; every write below shares the
    transaction of the model that causes it. #}

{% macro start_build() %}
{% if execute %}{{ scalar_function('control.as_of', told_as_of()) }};{% endif %}
{% set building = [] %}
{% for id in (selected_resources if execute else []) if id.startswith('model.') and '.new_' not in id %}{% do building.append(id) %}{% endfor %}
{% if building %}
{{ keep_published_sql(0, 'as_of', scalar_function('as_of', told_as_of())) }}
insert into control.started_builds select {{ build_id() }} where {{ build_id() }} not in (select build_id from control.started_builds);
{% endif %}
{% endmacro %}

{#- What a relation holds: how many rows, and the sums of their hashes, which no order changes. Without what differs from run to run; and once more
    without what runs on with the clock, as the KPIs count it. #}
{% macro run_columns() %}{{ return(['as_of', 'built_at', 'build_id', 'run_id', 'published_at', 'version']) }}{% endmacro %}

{% macro content_of(relation) %}
{% set columns = [] %}
{% for name in model.columns if config.get('contract').enforced and name not in run_columns() %}{% do columns.append(name) %}{% endfor %}
{{ return(content_sums(relation, columns, counted_marts().get(this.name, {}).running or [])) }}
{% endmacro %}

{#- What is replaced by tickets keeps count of it itself. #}
{% macro record_content() %}
{% if config.get('materialized') != 'view' and not (is_incremental() and config.get('incremental_strategy') == 'replace_touched') %}
delete from control.contents where model = '{{ this.name }}';
insert into control.contents select '{{ this.name }}', c.* from ({{ content_of(this) }}) as c;
{% endif %}
{% endmacro %}

{% macro record_build() %}
{{ record_content() }}
delete from control.model_builds where model = '{{ this.name }}';
insert into control.model_builds values ('{{ this.name }}', {{ build_id() }}, {{ as_of() }}, now() at time zone 'UTC');
{% endmacro %}

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
