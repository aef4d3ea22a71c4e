{#- How a model becomes a table of DuckDB: in one statement and one transaction, its contract held against what was made. The adapter's
    own materializations make a second table, rename both, look for indexes and describe the query twice: eleven statements a model. -#}

{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
{% set target = this.incorporate(type='table') %}
{% do make_table(target) %}
{% do adapter.commit() %}
{{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- A table first; later the rows that came, which the model's strategy brings into it. -#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
{% set target = this.incorporate(type='table') %}
{% if is_incremental() %}
{% set come = this.incorporate(path={'identifier': this.identifier ~ '__come'}).include(database=false, schema=false) %}
{% call statement('come') %}
{{ rendered_hooks(pre_hooks) }}
create or replace temporary table {{ come }} as (
{{ compiled_code }}
);
{% endcall %}
{% set columns = adapter.get_columns_in_relation(target) %}
{% do assert_same_columns(target, columns, adapter.get_columns_in_relation(come)) %}
{% set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) %}
{% call statement('main') %}
{{ strategy({
    'target_relation': target, 'temp_relation': come, 'unique_key': config.get('unique_key'), 'dest_columns': columns,
    'incremental_predicates': none
}) }};
drop table {{ come }};
{{ rendered_hooks(post_hooks) }}
{% endcall %}
{% else %}
{% do make_table(target) %}
{% endif %}
{% do adapter.commit() %}
{{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro make_table(target) %}
{% set existing = load_cached_relation(target) %}
{% if existing is not none and not existing.is_table %}{% do adapter.drop_relation(existing) %}{% endif %}
{% call statement('main') %}
{{ rendered_hooks(pre_hooks) }}
create or replace table {{ target }} as (
{{ compiled_code }}
);
{{ rendered_hooks(post_hooks) }}
{% endcall %}
{% do assert_contract(target) %}
{% endmacro %}

{#- A model's hooks, for its own statement. -#}
{% macro rendered_hooks(hooks) %}
{% for hook in hooks %}
{% set sql = render(hook.get('sql')) | trim %}
{{ sql ~ ('' if sql.endswith(';') else ';') if sql }}
{% endfor %}
{% endmacro %}

{#- Refuses a table whose columns, their order or their types are not those of the contract. -#}
{% macro assert_contract(relation) %}
{% if config.get('contract').enforced %}
{% set declared, made = [], [] %}
{% for column in model.columns.values() %}{% do declared.append(contract_column(column.name, column.data_type)) %}{% endfor %}
{% for column in adapter.get_columns_in_relation(relation) %}{% do made.append(contract_column(column.name, column.dtype)) %}{% endfor %}
{% if declared != made %}{% do exceptions.raise_contract_error(declared, made) %}{% endif %}
{% endif %}
{% endmacro %}

{#- A column in the words that dbt compares contracts by. -#}
{% macro contract_column(name, type) %}
{{ return({'name': name, 'data_type': type | upper, 'formatted': name ~ ' ' ~ type | upper}) }}
{% endmacro %}

{#- Refuses rows of another shape than their table: they would be cast, or enter the wrong columns. -#}
{% macro assert_same_columns(relation, there, come) %}
{% if there | map(attribute='column') | list != come | map(attribute='column') | list
    or there | map(attribute='dtype') | list != come | map(attribute='dtype') | list %}
{% do exceptions.raise_compiler_error('table ' ~ relation ~ ' has other columns than its model makes now; build it in full') %}
{% endif %}
{% endmacro %}
