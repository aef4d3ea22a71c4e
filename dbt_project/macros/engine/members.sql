{#- A list of the values in a group. #}
{% macro list_of(expression) %}{{ return(adapter.dispatch('list_of')(expression)) }}{% endmacro %}
{% macro default__list_of(expression) %}array_agg({{ expression }}){% endmacro %}

{#- The records behind one cell of a KPI table, as a function for readers. Words that DuckDB 1.0 knows. #}
{% macro kpi_cell_sql() %}{{ return(adapter.dispatch('kpi_cell_sql')()) }}{% endmacro %}
{% macro default__kpi_cell_sql() -%}
{%- set today = business_date(as_of()) -%}
{%- set last_day -%}
least({{ today }}, case period_grain
      when 'day' then cast(period_start as date)
      {% for grain in period_grains() if grain not in ('all', 'day') %}
      when '{{ grain }}' then cast(cast(period_start as date) + interval '1 {{ grain }}' - interval 1 day as date)
      {% endfor %}
      else {{ today }}
  end)
{%- endset -%}
create macro kpi_cell(kpi, period_grain, period_start, dimension, member, key := '') as table
select m.*
from metric_members as m
where m.kpi = kpi
  and m.key = key
  and case
      when m.until_day is not null then {{ last_day }} between m.day and m.until_day
      when period_grain = 'all' then true
      when period_grain = 'day' then m.day = cast(period_start as date)
      {% for grain in period_grains() if grain not in ('all', 'day') %}
      when period_grain = '{{ grain }}' then cast(date_trunc('{{ grain }}', m.day) as date) = cast(period_start as date)
      {% endfor %}
  end
  {#- Of costs, a rule file says which cells there are. #}
  and case case when kpi = 'kpi_cost' then '' else dimension end
      when 'all' then true
      {% for name, column in survey_dimensions().items() %}
      when '{{ name }}' then coalesce(m.{{ column }}, '(none)') = member
      {% endfor %}
      else list_contains(m.own_dimensions, dimension || '=' || member)
  end
{%- endmacro %}
