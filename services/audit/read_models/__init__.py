"""The questions audit answers, one a file: the tables, the effect that fills them from the streams, the query."""

from audit.read_models import checkpoints, contributions, log, nodes

SCHEMA: tuple[str, ...] = (*log.SCHEMA, *nodes.SCHEMA, *checkpoints.SCHEMA, *contributions.SCHEMA)
"""The statements that make audit's tables; idempotent."""
