{{ freshdesk_parsed_tickets('spam_tickets') }}
