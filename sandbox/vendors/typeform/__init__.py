"""Typeform: its endpoints and records."""
