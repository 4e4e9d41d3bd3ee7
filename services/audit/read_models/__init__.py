"""The questions audit answers, one a file: the tables, the effect that fills them from the streams, the query."""

from audit.read_models import contributions, log

SCHEMA: tuple[str, ...] = (*log.SCHEMA, *contributions.SCHEMA)
"""The statements that make audit's tables; idempotent."""
