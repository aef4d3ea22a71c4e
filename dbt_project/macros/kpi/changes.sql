{#- KPI tables that are built again for some periods only. #}

{% macro changed_days() %}
{% set card = card() %}
{% if not execute %}
{#- dbt must know when it parses what may be read. #}
{% for name in card.reads or [] %}{% do ref(name) %}{% endfor %}
{{ return(none) }}
{% endif %}
{% if config.get('materialized') != 'incremental' or not is_incremental() or not is_delta_known() %}{{ return(none) }}{% endif %}
{% set day = business_date(told_sql(card.time)) %}
{% set sql %}
{% for name in [card.facts] + (card.reads or []) %}
{% set told = counted_marts().get(name, {'running': [], 'maturing': []}) %}
{#- A window that ends moves no number of a KPI that does not ask for it. #}
{% set columns = star_with_nullness(told.running, told.maturing | reject('in', tojson(card) ~ model.raw_code) | list) %}
{% set now_rows, before_rows = '(' ~ touched_rows(ref(name)) ~ ')', before_relation(name) %}
{% if name == card.facts %}
{% set now_rows, before_rows = with_own_dimensions(name, now_rows), with_own_dimensions(name, before_rows, is_before=true) %}
{% endif %}
select day
from (
    select {{ day }} as day, {{ whole_row_hash('r') }} as content, 1 as n from (select {{ columns }} from {{ now_rows }} as t) as r
    union all
    select {{ day }}, {{ whole_row_hash('r') }}, -1 from (select {{ columns }} from {{ before_rows }} as t) as r
) as c
group by day, content
having sum(n) <> 0
{{ 'union' if not loop.last }}
{% endfor %}
{% endset %}
{{ return(sql) }}
{% endmacro %}

{#- Periods end and begin, which makes them whole and partial. Facts that run count on the as-of day, so all periods of the days since. -#}
{% macro passed_periods(is_all_of_today) %}
{%- set last_day, today = '(select ' ~ business_date('min(as_of)') ~ ' from control.completed_builds)', business_date(as_of()) -%}
select grain_no, period_start
from ({{ in_periods('(' ~ day_series(last_day, today, 'day') ~ ')', false) }}) as p
where
    {{ last_day }} <> {{ today }}
    {% if ':as_of' not in card().time %}
    and case grain_no
        {% for grain in period_grains() %}
        when {{ loop.index }} then {{ is_all_of_today if grain == 'all' else period_start(grain, last_day) ~ ' <> ' ~ period_start(grain, today) }}
        {% endfor %}
    end
    {% endif %}
{% endmacro %}

{% macro is_delta_known() %}
{% set card = card() %}
{% set names = [card.facts] + (card.reads or []) + ([bridge_of(card.facts)[0]] if own_dimensions() else []) %}
{% set state = run_query(
    "select (select count(*) from control.started_builds where build_id <> " ~ build_id() ~ ") as broken_off, (select count(*) from "
    ~ "information_schema.tables where table_schema = 'core' and table_name in ('before_" ~ names | join("', 'before_") ~ "')) as kept, "
    ~ first_fact_day() ~ " as first_day, (select min(period_start) from " ~ this ~ " where period_grain = 'day') as first_built"
).rows[0] %}
{% if state['broken_off'] > 0 or state['kept'] < names | length or state['first_day'] != state['first_built'] %}{{ return(false) }}{% endif %}
{% for column in card.key if column in counted_marts()[card.facts].columns %}
{% set differing = run_query(
    'select count(*) from (select distinct ' ~ column ~ ' from ' ~ ref(card.facts) ~ ' where ' ~ (card.where or 'true') ~ ') as f full outer join '
    ~ '(select distinct ' ~ column ~ ' from ' ~ this ~ ') as t on f.' ~ column ~ ' = t.' ~ column ~ ' where f.' ~ column ~ ' is null or t.' ~ column ~ ' is null'
).rows[0][0] %}
{% if differing > 0 %}{{ return(false) }}{% endif %}
{% endfor %}
{{ return(true) }}
{% endmacro %}

{% macro first_fact_day() -%}
{%- set card = card() -%}
{%- set time, counted = told_sql(card.time), card.where or 'true' -%}
{%- set facts = this.incorporate(path={'schema': 'marts', 'identifier': card.facts}) -%}
(select coalesce(min({{ business_date(time) }}), {{ business_date(as_of()) }}) from {{ facts }}
    where {{ counted }} and {{ time }} < {{ add_days('(select min(' ~ time ~ ') from ' ~ facts ~ ' where ' ~ counted ~ ')', 2) }})
{%- endmacro %}

{% macro get_incremental_replace_periods_sql(arg_dict) %}
{% set target = arg_dict['target_relation'] %}
{% set labels = target.incorporate(path={'schema': 'core', 'identifier': 'int_member_labels'}) %}
delete from {{ target }} as t
where exists (
    select 1 from (select distinct period_grain, period_start from {{ arg_dict['temp_relation'] }}) as n
    where n.period_grain = t.period_grain and n.period_start is not distinct from t.period_start
);
delete from {{ target }}
where case period_grain
    {% for grain in period_grains() if grain != 'all' %}
    when '{{ grain }}' then period_start < {{ period_start(grain, first_fact_day()) }}
    {% endfor %}
    else false
end;
insert into {{ target }} select * from {{ arg_dict['temp_relation'] }};
{#- A member has its newest name in periods that did not change too. -#}
{% if 'member_label' in model.columns %}
update {{ target }} as t
set member_label = n.member_label
from (
    select c.dimension, c.member, l.member_label
    from (
        select distinct dimension, member from {{ target }}
        where member_label is not null or dimension in (select k.dimension from {{ labels }} as k)
    ) as c
    left join {{ labels }} as l on c.dimension = l.dimension and c.member = l.member
) as n
where t.dimension = n.dimension and t.member = n.member and t.member_label is distinct from n.member_label;
{% endif %}
{% endmacro %}
