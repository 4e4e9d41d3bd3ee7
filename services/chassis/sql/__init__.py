"""The schema of an event store, one numbered step a file."""
