{#- The warehouse's book-keeping. Its tables are created by orchestration/warehouse/control_tables.sql; every write below shares the
    transaction of the model that causes it. #}

{% macro start_build() %}
{% set building = [] %}
{% for id in (selected_resources if execute else []) if id.startswith('model.') and '.new_' not in id %}{% do building.append(id) %}{% endfor %}
{% if building %}
insert into control.started_builds select {{ build_id() }} where {{ build_id() }} not in (select build_id from control.started_builds);
{% endif %}
{% endmacro %}

{% macro record_build() %}
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
