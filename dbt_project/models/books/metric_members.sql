{{ config(meta={'next_at': 'always'}, materialized='view', post_hook=["{{ keep_published_view(3) }}", "{{ keep_kpi_cell(4) }}"]) }}
{#- One row per KPI, key and record that it counts. A view, here and in the published file: its rows are those of the marts. Aliases
    throughout: the parameters of kpi_cell, which reads this, have such names too. #}
{%- set bridges = {} -%}
{%- for mart in ['tickets', 'survey_answers', 'survey_sends'] -%}
{%- set bridge, key = bridge_of(mart) -%}{%- do ref(bridge) if not execute -%}{%- do bridges.update({bridge: key}) -%}
{%- endfor -%}
{% for bridge, key in bridges.items() if own_dimensions() %}
{{ 'with' if loop.first }} own_{{ bridge }} as (
    select {% for column in key %}d.{{ column }} as its_{{ column }}, {% endfor %}{{ list_of("d.dimension || '=' || d.member") }} as own_dimensions
    from {{ ref(bridge) }} as d
    group by {% for column in key %}d.{{ column }}{{ ', ' if not loop.last }}{% endfor %}

){{ ',' if not loop.last }}
{% endfor %}

{% for kpi in kpis_with_members() %}
{% set is_last_kpi = loop.last %}
{% for told in cards()[kpi].members %}
{{ members_of(kpi, told) }}
{{ 'union all' if not (is_last_kpi and loop.last) }}
{% endfor %}
{% endfor %}
