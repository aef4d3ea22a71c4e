{{ merge_versions(ref('new_files__survey_answers'), keep='current') }}
