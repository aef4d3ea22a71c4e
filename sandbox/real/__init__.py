"""The sandbox company with what real accounts have: messaging, silent changes, AI agents, links, deletions.

Its surveys have, too: questions that are replaced, reworded and translated, links that nobody filled in,
people who are forgotten, reminders, and forms that are no customers' business.

`company` says what happened, `surveys` and `mailings` what customers said of it, `truth` and `survey_truth`
what is right; what a vendor tells of it stands in the vendor's folder.
"""
