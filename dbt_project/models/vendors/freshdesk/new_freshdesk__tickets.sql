{{ freshdesk_parsed_tickets('tickets') }}
