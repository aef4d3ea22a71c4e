{{ freshdesk_parsed_contacts('contacts') }}
