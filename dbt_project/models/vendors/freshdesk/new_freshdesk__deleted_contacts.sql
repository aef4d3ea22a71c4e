{{ freshdesk_parsed_contacts('deleted_contacts') }}
