"""Freshdesk over the sandbox company, as a second helpdesk of it."""
