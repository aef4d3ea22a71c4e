{{ config(materialized='incremental', incremental_strategy='replace_touched') }}
{#- What vendors publish themselves about counted tickets, in their own units: one row per ticket and place where they publish it. #}
select * from {{ ref('zendesk__vendor_numbers') }}
