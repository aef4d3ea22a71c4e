"""Helpbox: its endpoints and records."""
