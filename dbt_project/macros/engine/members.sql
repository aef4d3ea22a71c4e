{% macro list_of(expression) %}{{ return(adapter.dispatch('list_of')(expression)) }}{% endmacro %}
{% macro default__list_of(expression) %}array_agg({{ expression }}){% endmacro %}

{% macro kpi_cell_sql() %}{{ return(adapter.dispatch('kpi_cell_sql')()) }}{% endmacro %}
{% macro default__kpi_cell_sql() -%}
{%- set today = business_date(as_of()) -%}
{%- set by_rules = cards().items() | selectattr('1.dimensions', 'eq', 'rules') | map(attribute=0) | list -%}
{%- set grains = period_grains() | reject('eq', 'all') | list -%}
{%- set last_day -%}
least({{ today }}, case period_grain
      when 'day' then cast(period_start as date)
      {% for grain in grains if grain != 'day' %}
      when '{{ grain }}' then cast(cast(period_start as date) + interval '1 {{ grain }}' - interval 1 day as date)
      {% endfor %}
      else {{ today }}
  end)
{%- endset -%}
create macro kpi_cell(kpi, period_grain, period_start, dimension, member, key := '') as table
with known as (
    {% for kpi in kpis_with_members() %}
    {% if cards()[kpi].has_periods %}
    select distinct '{{ kpi }}' as its_kpi, {{ cell_key(kpi) }} as its_key, t.dimension as its_dimension from {{ kpi }} as t where t.period_grain = 'all'
    {% else %}
    select distinct '{{ kpi }}' as its_kpi, {{ cell_key(kpi) }} as its_key, 'all' as its_dimension from {{ kpi }} as t
    {% endif %}
    union all
    {% endfor %}
    {% for kpi in kpis_with_members() %}
    select '{{ kpi }}', null, unnest(['{{ (['all'] + (offered_dimensions(kpi) | list)) | join("', '") }}'])
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

asked as (
    select case
        when not exists (select 1 from known as k where k.its_kpi = kpi)
            then error('kpi_cell: no KPI ' || coalesce(kpi, 'null') || {{ those_are('its_kpi', 'true') }})
        when coalesce(period_grain not in ('{{ period_grains() | join("', '") }}'), true)
            then error('kpi_cell: no period_grain ' || coalesce(period_grain, 'null') || '; there are {{ period_grains() | join(", ") }}')
        when period_grain <> 'all' and period_start is null
            then error('kpi_cell: period_start is null; it is the first day of the ' || period_grain)
        {% for grain in grains if grain != 'day' %}
        when period_grain = '{{ grain }}' and date_trunc('{{ grain }}', cast(period_start as date)) <> cast(period_start as date)
            then error('kpi_cell: ' || period_start || ' is no first day of a {{ grain }}; ' || cast(date_trunc('{{ grain }}', cast(period_start as date)) as date) || ' is')
        {% endfor %}
        when not exists (select 1 from known as k where k.its_kpi = kpi and k.its_dimension = dimension)
            then error('kpi_cell: no dimension ' || coalesce(dimension, 'null') || {{ those_are('its_dimension', 'k.its_kpi = kpi') }})
        {% for name in dimensions() if grains_of(name) != period_grains() %}
        when dimension = '{{ name }}' and period_grain not in ('{{ grains_of(name) | join("', '") }}')
            then error('kpi_cell: no {{ name }} by ' || period_grain || '; there are {{ grains_of(name) | join(", ") }}')
        {% endfor %}
        when exists (select 1 from known as k where k.its_kpi = kpi and k.its_key is not null)
            and not exists (select 1 from known as k where k.its_kpi = kpi and k.its_key = key)
            then error('kpi_cell: ' || kpi || coalesce(' has no key ' || nullif(key, ''), ' needs a key') || {{ those_are('its_key', 'k.its_kpi = kpi') }})
        else true
    end as is_there
)

select m.*
from metric_members as m
where m.kpi = kpi
  and m.key = key
  and case
      when m.until_day is not null then {{ last_day }} between m.day and m.until_day
      when period_grain = 'all' then true
      when period_grain = 'day' then m.day = cast(period_start as date)
      {% for grain in grains if grain != 'day' %}
      when period_grain = '{{ grain }}' then cast(date_trunc('{{ grain }}', m.day) as date) = cast(period_start as date)
      {% endfor %}
  end
  {#- Of costs, a rule file says which cells there are. #}
  and case case when kpi in ('{{ by_rules | join("', '") }}') then '' else dimension end
      when 'all' then true
      {% for name, rule in dimensions().items() if rule.column %}
      when '{{ name }}' then coalesce(m.{{ rule.column }}, '(none)') = member
      {% endfor %}
      else list_contains(m.own_dimensions, dimension || '=' || member)
  end
union all
select {% for type in member_columns().values() %}cast(null as {{ type }}){{ ', ' if not loop.last }}{% endfor %} from asked as a where not a.is_there
{%- endmacro %}

{% macro those_are(column, which) -%}
coalesce((
    select '; there are ' || nullif(string_agg(f.found, ', ' order by f.found), '')
    from (select distinct k.{{ column }} as found from known as k where {{ which }} order by 1 limit 30) as f
), '')
{%- endmacro %}
