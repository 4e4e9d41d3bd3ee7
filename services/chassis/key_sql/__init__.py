"""The schema of the key store, one numbered step a file."""
