"""The company that the demo shows: a story to find in its numbers, and the rule files that it keeps."""
