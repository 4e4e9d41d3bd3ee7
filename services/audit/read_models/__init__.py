"""The questions audit answers, one a file: the tables, the effect that fills them from the streams, the query."""
