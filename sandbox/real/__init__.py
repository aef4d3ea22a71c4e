"""The sandbox company with what real accounts have: messaging, silent changes, AI agents, links, deletions.

`company` says what happened, `truth` what is right; what a vendor tells of it stands in the vendor's folder.
"""
