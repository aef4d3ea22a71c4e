{{ config(meta={'has_nested_times': true}) }}
{{ merge_versions(ref('new_zendesk__survey_responses'), keep='history') }}
