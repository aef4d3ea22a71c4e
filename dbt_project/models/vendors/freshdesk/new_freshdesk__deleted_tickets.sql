{{ freshdesk_parsed_tickets('deleted_tickets') }}
