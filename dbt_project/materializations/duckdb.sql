{#- How a model becomes a table or a view of DuckDB: in one transaction, which holds its contract against what was made. The
    adapter's own materializations make a second table, rename both, look for indexes and describe the query twice: eleven statements (ADR 3). -#}

{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
{% set target = this.incorporate(type='table') %}
{% do make_relation(target) %}
{% do adapter.commit() %}
{{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb', supported_languages=['sql'] %}
{% set target = this.incorporate(type='view') %}
{% do make_relation(target) %}
{% do adapter.commit() %}
{{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- A table first; later the rows that came, which the model's strategy brings into it. -#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
{% set target = this.incorporate(type='table') %}
{% if is_incremental() %}
{% do refuse_what_is_not_done() %}
{% set come = this.incorporate(path={'identifier': this.identifier ~ '__come'}).include(database=false, schema=false) %}
{% set strategy = adapter.get_incremental_strategy_macro(context, config.get('incremental_strategy')) %}
{% call statement('main') %}
{{ rendered_hooks(pre_hooks) }}
{{ fill('temporary table', come) }}
{{ assert_same_columns(target, come) }}
{{ strategy({'target_relation': target, 'temp_relation': come}) }}
drop table {{ come }};
{{ rendered_hooks(post_hooks) }}
{% endcall %}
{% else %}
{% do make_relation(target) %}
{% endif %}
{% do adapter.commit() %}
{{ return({'relations': [target]}) }}
{% endmaterialization %}

{% macro make_relation(target) %}
{% do refuse_what_is_not_done() %}
{% set existing = load_cached_relation(target) %}
{% if existing is not none and existing.type != target.type %}{% do adapter.drop_relation(existing) %}{% endif %}
{% call statement('main') %}
{{ rendered_hooks(pre_hooks) }}
{{ fill(target.type, target) }}
{% if config.get('contract').enforced %}{{ assert_contract(target) }}{% endif %}
{{ rendered_hooks(post_hooks) }}
{% endcall %}
{% endmacro %}

{#- Models at ticket grain are filled slice by slice where there are many tickets (touched.sql): the views that they read are sliced by the same
    variable, and what a model reads whole is cut off at its end. -#}
{% macro fill(kind, relation) %}
{% set slices = ticket_slices() if config.get('incremental_strategy') == 'replace_touched' else 1 %}
{% if slices == 1 %}
create or replace {{ kind }} {{ relation }} as (
{{ compiled_code }}
);
{% else %}
{% for slice in range(slices) %}
set variable slice = {{ slice }};
{{ 'create or replace ' ~ kind ~ ' ' ~ relation ~ ' as' if loop.first else 'insert into ' ~ relation }}
select made.* from (
{{ compiled_code }}
) as made
where {{ is_touched('made', list=touched_relation()) }};
{% endfor %}
reset variable slice;
{% endif %}
{% endmacro %}

{% macro refuse_what_is_not_done() %}
{% for option in ['grants', 'indexes', 'persist_docs', 'sql_header', 'partitioned_by', 'sorted_by'] if config.get(option) %}
{% do exceptions.raise_compiler_error(
    this.name ~ ' asks for ' ~ option ~ ', which materializations/duckdb.sql does not do: take it out, or teach it there (docs/adr/0003)'
) %}
{% endfor %}
{% endmacro %}

{% macro rendered_hooks(hooks) %}
{% for hook in hooks %}
{% set sql = render(hook.get('sql')) | trim %}
{{ sql ~ ('' if sql.endswith(';') else ';') if sql }}
{% endfor %}
{% endmacro %}

{#- Each row that is deleted makes DuckDB remember its 2,048 neighbours, 8 bytes for each, whenever they are read: memory that never spills. -#}
{% macro is_written_anew(relation) %}
{% set found = run_query(
    "select max(estimated_size) as rows from duckdb_tables() where schema_name = '" ~ relation.schema ~ "' and table_name = '" ~ relation.identifier ~ "'"
) %}
{{ return(found.rows[0][0] > env_var('CXMARTS_PATCHED_ROWS', '2500000') | int) }}
{% endmacro %}

{% macro columns_of(relation) -%}
(select string_agg(name || ' ' || type, ', ' order by cid) as columns from pragma_table_info('{{ relation | replace('"', '') }}'))
{%- endmacro %}

{% macro assert_contract(relation) %}
{% set declared = [] %}
{% for column in model.columns.values() %}{% do declared.append(column.name ~ ' ' ~ column.data_type | upper) %}{% endfor %}
select error('its contract is another: it has ' || made.columns || ' and should have {{ declared | join(', ') }}')
from {{ columns_of(relation) }} as made
where made.columns <> '{{ declared | join(', ') }}';
{% endmacro %}

{% macro assert_same_columns(relation, come) %}
select error('its table has other columns, build it in full: it has ' || there.columns || ' and ' || come.columns || ' came')
from {{ columns_of(relation) }} as there
cross join {{ columns_of(come) }} as come
where there.columns <> come.columns;
{% endmacro %}
