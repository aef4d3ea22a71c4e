"""The contract between ingestion and all that reads what landed: the format of its files."""
