{{ merge_versions(ref('new_files__survey_invitations'), keep='current') }}
