"""Zendesk Support: its endpoints and records, and those of the profile `real`."""
