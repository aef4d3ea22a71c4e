{{ config(materialized='view', post_hook=["{{ keep_published_view(3) }}", "{{ keep_kpi_cell(4) }}"]) }}
{#- One row per KPI, key and record that it counts. A view, here and in the published file: its rows are those of the marts. Aliases
    throughout: the parameters of kpi_cell, which reads this, have such names too. #}
with own as (
    select d.source, d.response_id, d.question_id, {{ list_of("d.dimension || '=' || d.member") }} as own_dimensions
    from {{ ref('answer_dimensions') }} as d
    group by d.source, d.response_id, d.question_id
)

{% for kpi in kpis_with_members() %}
{% set is_last_kpi = loop.last %}
{% for told in cards()[kpi].members %}
{{ members_of(kpi, told) }}
{{ 'union all' if not (is_last_kpi and loop.last) }}
{% endfor %}
{% endfor %}
