"""The questions audit answers, one a file: the tables, the effect that fills them from the streams, the query."""

from audit.read_models import award_register, checkpoints, contributions, index, knowledge, log, nodes

SCHEMA: tuple[str, ...] = (
    *log.SCHEMA,
    *nodes.SCHEMA,
    *checkpoints.SCHEMA,
    *contributions.SCHEMA,
    *index.SCHEMA,
    *knowledge.SCHEMA,
    *award_register.SCHEMA,
)
"""The statements that make audit's tables; idempotent."""
