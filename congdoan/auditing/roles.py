"""As whom does an auditor read an event store? As a role that may select from it, and do nothing else."""

from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

AUDITOR = "auditor"
"""The role, and a user of the database."""


def reading_rights() -> str:
    """The statements that make the role and give it its rights, for the owner of a service's database."""
    return (files("congdoan.auditing") / "auditor.sql").read_text()


def grant_reading(conninfo: str) -> None:
    """Give the auditor's role its rights in the database of a service; may be repeated.

    :raises psycopg.Error: the database cannot be changed.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('congdoan.auditor'))")
        connection.execute(reading_rights().encode())


def keep_out(conninfo: str) -> None:
    """Let nobody but its owner into a database.

    :raises psycopg.Error: the database cannot be changed.
    """
    with psycopg.connect(conninfo) as connection:
        closing = sql.SQL("revoke all on database {} from public")
        connection.execute(closing.format(sql.Identifier(connection.info.dbname)))


def as_auditor(conninfo: str) -> str:
    """The same database, entered by the auditor's role."""
    return make_conninfo(conninfo, user=AUDITOR)
