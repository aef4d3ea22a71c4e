{#- Ticket-grain models are rebuilt for the touched tickets only. touched_tickets holds all tickets whenever one of those
    models is missing, so that every model asks the same question. #}

{% macro ticket_grain_models() %}
{{ return([
    ('core', 'int_tickets'), ('core', 'int_ticket_events'), ('core', 'int_ticket_schedules'), ('core', 'int_ticket_spans'),
    ('core', 'int_ticket_states'), ('core', 'int_ticket_measures'), ('core', 'int_sla_clocks'), ('core', 'int_sla_applied'),
    ('core', 'int_vendor_numbers'), ('core', 'int_declared_targets'), ('core', 'int_rejected_values'), ('core', 'int_sla_events'),
    ('core', 'int_ticket_tags'), ('core', 'int_ticket_links'), ('core', 'int_ticket_replies'),
    ('marts', 'tickets'), ('marts', 'excluded_tickets'), ('marts', 'ticket_replies'), ('marts', 'ticket_states'),
    ('marts', 'ticket_dimensions'), ('marts', 'sla_targets'), ('marts', 'reconciliation')
]) }}
{% endmacro %}

{% macro rebuilds_all_tickets() %}
{% if execute %}
{% for schema, name in ticket_grain_models() %}
{% if adapter.get_relation(database=this.database, schema=schema, identifier=name) is none %}{{ return(true) }}{% endif %}
{% endfor %}
{% endif %}
{{ return(false) }}
{% endmacro %}

{% macro is_touched(alias, ticket_id='ticket_id', list=none) -%}
({{ alias }}.source, {{ alias }}.{{ ticket_id }}) in (
    select touched.source, touched.ticket_id from {{ list or ref('touched_tickets') }} as touched
    where coalesce(touched.slice = getvariable('slice'), true)
)
{%- endmacro %}

{#- What a million tickets make at once takes more memory than there may be. #}
{% macro slice_of_tickets() -%}
(row_number() over (order by t.source, t.ticket_id) - 1) // {{ env_var('CXMARTS_SLICE_TICKETS', '200000') }}
{%- endmacro %}

{% macro ticket_slices() %}
{% set found = run_query('select coalesce(max(slice), 0) + 1 as slices from ' ~ touched_relation()) if execute %}
{{ return(found.rows[0][0] if found else 1) }}
{% endmacro %}

{% macro touched_relation() %}{{ return(this.incorporate(path={'schema': 'vendors', 'identifier': 'touched_tickets'}, type='table')) }}{% endmacro %}

{% macro touched_rows(relation) -%}
select t.* from {{ relation }} as t where {{ is_touched('t', list=touched_relation()) }}
{%- endmacro %}

{% macro get_incremental_replace_touched_sql(arg_dict) %}
{% set target = arg_dict['target_relation'] %}
{#- What the touched tickets had, for models that group by period: they rebuild the periods in which a row differs. #}
{% if config.get('meta', {}).get('keeps_before') %}
create table {{ before_relation(target.identifier) }} as {{ touched_rows(target) }};
{% endif %}
{#- Its content is what it was, less what goes, with what comes. #}
update control.contents as c
set {% for part in ['rows', 'sum_1', 'sum_2', 'counted_1', 'counted_2'] %}{{ part }} = c.{{ part }} - g.{{ part }} + n.{{ part }}{{ ', ' if not loop.last }}{% endfor %}

from ({{ content_of('(' ~ touched_rows(target) ~ ')') }}) as g
cross join ({{ content_of(arg_dict['temp_relation']) }}) as n
where c.model = '{{ this.name }}';
{% if is_written_anew(target) %}
create or replace table {{ target }} as (
    select t.* from {{ target }} as t where not {{ is_touched('t', list=touched_relation()) }}
    union all
    select * from {{ arg_dict['temp_relation'] }}
);
{% else %}
delete from {{ target }} as t where {{ is_touched('t', list=touched_relation()) }};
insert into {{ target }} select * from {{ arg_dict['temp_relation'] }};
{% endif %}
{% endmacro %}

{% macro in_force_first(changed_at) -%}
case when {{ changed_at }} > {{ as_of() }} then 1 else 0 end,
    case when {{ changed_at }} > {{ as_of() }} then epoch_us({{ changed_at }}) else -epoch_us({{ changed_at }}) end nulls last
{%- endmacro %}

{% macro in_force(versions) -%}
(
    select * from (
        select *, row_number() over (partition by source, record_id order by {{ in_force_first('changed_at') }}) as version_no
        from {{ versions }}
    ) as versions
    where version_no = 1
)
{%- endmacro %}

{% macro before_relation(name) %}{{ return(this.incorporate(path={'schema': 'core', 'identifier': 'before_' ~ name}, type='table')) }}{% endmacro %}

{% macro forget_before() %}drop table if exists {{ before_relation(this.identifier) }}{% endmacro %}
