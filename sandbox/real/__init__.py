"""The sandbox company with what real accounts have: messaging, silent changes, AI agents, links, deletions.

`company` says what happened, `records` and `zendesk` what the vendor tells of it, `truth` what is right.
"""
