{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- What vendors publish themselves about counted tickets, in their own units: one row per ticket and place where they publish it. #}
{%- set columns = ['source', 'ticket_id', 'published_in', 'read_at', 'is_full_set', 'next_replies'] -%}
{%- for number in compared_numbers() -%}{%- do columns.append(number[0]) -%}{%- endfor -%}
select {{ columns | join(', ') }} from {{ ref('zendesk__vendor_numbers') }}
