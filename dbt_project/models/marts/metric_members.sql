{{ config(materialized='view', post_hook="{{ keep_published_sql() }}") }}
{#- One row per KPI, key and record that it counts. A view, here and in the published file: its rows are those of the marts. #}
{{ metric_members_sql() }}
