{{ config(materialized='table') }}
{% for metric, due in {'first_reply': 'fr_due_by', 'next_reply': 'nr_due_by', 'total_resolution': 'due_by'}.items() %}
select distinct source, '{{ metric }}' as metric from {{ ref('freshdesk__ticket_versions') }} where {{ due }} is not null
{{ 'union all' if not loop.last }}
{% endfor %}
