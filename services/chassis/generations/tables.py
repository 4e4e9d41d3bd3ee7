"""Which generations of a read model are there, and what is done in the database when one is begun, dropped, or takes the
other's place?

The second generation of a read model stands in the schema ``beside``, under the names of the first, and has a follower of its
own, ``<read model>.beside``. Each function here is a part of a transaction; who drives the follower is told in
:mod:`chassis.generations.beside`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from chassis.database import Connection, Pool, fetch
from chassis.positions import begin_anew, locked_position
from chassis.read_models import BESIDE, ReadModel
from chassis.refusals import NotFound, RuleBroken, Unavailable

BETWEEN = "between_places"
TABLE_PATIENCE = "1500ms"
"""How long questions may have to wait behind a change of places that waits for a longer question."""


class UnknownReadModel(NotFound):
    """No read model here has that name."""

    vi = "Dịch vụ này không có bảng đọc tên như vậy."
    en = "This service has no read model of that name."


class NothingBeside(RuleBroken):
    """There is no second generation."""

    vi = "Không có thế hệ thứ hai của {read_model}; hãy dựng lại trước."
    en = "There is no second generation of {read_model}; rebuild it first."


class NothingNewBeside(RuleBroken):
    """The generation beside is the older one, so there is none to switch to."""

    vi = "Thế hệ bên cạnh của {read_model} là thế hệ cũ; hãy bỏ nó rồi dựng lại, hoặc quay về nó."
    en = "The generation beside {read_model} is the older one; drop it and rebuild, or roll back to it."


class NothingToRollBackTo(RuleBroken):
    """The generation beside was never live."""

    vi = "Thế hệ bên cạnh của {read_model} chưa từng được dùng, nên không có gì để quay về."
    en = "The generation beside {read_model} was never live, so there is nothing to roll back to."


class StillApart(Unavailable):
    """The second generation has not come near the first."""

    vi = "Thế hệ thứ hai còn thiếu khoảng {events} sự kiện; hãy thử lại sau."
    en = "The second generation still lacks about {events} events; try again later."


@dataclass(frozen=True, slots=True)
class Generations:
    """Which generation of a read model answers, which stands beside it (None: none), and how far each has come."""

    read_model: str
    live: int = 1
    beside: int | None = None
    live_position: int = 0
    beside_position: int = 0
    changed_at: datetime | None = None

    @property
    def newer_is_live(self) -> bool:
        """Whether the generation beside is the older one: they have changed places."""
        return self.beside is not None and self.beside < self.live


async def standings(pool: Pool, read_models: Sequence[str]) -> list[Generations]:
    """Some read models with their generations, in this order.

    :raises Unavailable: the database cannot be asked just now.
    """
    query = """select g.read_model, g.live, g.beside, coalesce(l.position, 0), coalesce(b.position, 0), g.changed_at
                 from generations g left join followers l on l.follower = g.read_model
                 left join followers b on b.follower = g.read_model || '.beside'"""
    known = {row[0]: Generations(*row) for row in await fetch(pool, query)}
    return [known.get(name) or Generations(name) for name in read_models]


async def begin(transaction: Connection, model: ReadModel[Any], at: datetime) -> None:
    """Make an empty second generation, before the first event; nothing when there is one that is newer.

    :raises NothingNewBeside: the one that stands beside is the older one.
    """
    standing = await _locked(transaction, model)
    if standing.newer_is_live:
        raise NothingNewBeside("read_model", read_model=model.name)
    if standing.beside is not None:
        return
    await _make_table(transaction, model)
    # One that was dropped while another process drove it may have left its row.
    await transaction.execute("delete from followers where follower = %s", (model.name_beside,))
    await transaction.execute("insert into followers (follower, position) values (%s, 0)", (model.name_beside,))
    await transaction.execute(
        "update generations set beside = last + 1, last = last + 1, changed_at = %s where read_model = %s", (at, model.name)
    )


async def drop(transaction: Connection, model: ReadModel[Any], at: datetime) -> None:
    """End the generation beside, with its position and what lies aside for it.

    :raises NothingBeside: there is none.
    """
    await _beside(transaction, model)
    await locked_position(transaction, model.name_beside)
    await transaction.execute(f"drop table {model.table_beside}".encode())
    await transaction.execute("delete from parked where follower = %s", (model.name_beside,))
    await transaction.execute("delete from followers where follower = %s", (model.name_beside,))
    await transaction.execute("update generations set beside = null, changed_at = %s where read_model = %s", (at, model.name))


async def may_exchange(transaction: Connection, model: ReadModel[Any], back: bool) -> None:
    """Hold the generations of a read model, which are about to change places.

    :raises NothingBeside, NothingNewBeside, NothingToRollBackTo: there is none to change to.
    """
    standing = await _beside(transaction, model)
    if back and not standing.newer_is_live:
        raise NothingToRollBackTo("read_model", read_model=model.name)
    if not back and standing.newer_is_live:
        raise NothingNewBeside("read_model", read_model=model.name)


async def exchange(transaction: Connection, model: ReadModel[Any], at: datetime) -> None:
    """Exchange tables and positions of two generations that stand at one position, held by this transaction.

    A statement that is prepared is planned anew when its table has gone elsewhere, by the name it was written with.
    """
    await transaction.execute(f"set local lock_timeout = '{TABLE_PATIENCE}'".encode())
    schema = await current_schema(transaction)
    places = ((schema, BETWEEN), (BESIDE, schema), (BETWEEN, BESIDE))
    for was, becomes in places:
        await transaction.execute(f"alter table {was}.{model.table} set schema {becomes}".encode())
    between = f"{model.name}.between"
    for was, becomes in ((model.name, between), (model.name_beside, model.name), (between, model.name_beside)):
        await transaction.execute("update followers set follower = %s where follower = %s", (becomes, was))
        await transaction.execute("update parked set follower = %s where follower = %s", (becomes, was))
    await transaction.execute(
        "update generations set live = beside, beside = live, changed_at = %s where read_model = %s", (at, model.name)
    )


async def clear(transaction: Connection, model: ReadModel[Any]) -> None:
    """Empty every generation of a read model and put each before the first event."""
    row = await (await transaction.execute("select to_regclass(%s)", (model.table_beside,))).fetchone()
    both = row is not None and row[0] is not None
    for follower, table in ((model.name, model.table), *([(model.name_beside, model.table_beside)] if both else [])):
        # Locked before it is emptied, so that another process does not fill it from where it was.
        await begin_anew(transaction, follower)
        await transaction.execute(f"truncate {table}".encode())


async def current_schema(connection: Connection) -> str:
    """Where the tables of first generations stand."""
    row = await (await connection.execute("select quote_ident(current_schema())")).fetchone()
    assert row
    return str(row[0])


async def _locked(transaction: Connection, model: ReadModel[Any]) -> Generations:
    """The generations of a read model, which nobody else changes before this transaction ends."""
    await transaction.execute("insert into generations (read_model) values (%s) on conflict do nothing", (model.name,))
    query = "select live, beside from generations where read_model = %s for update"
    row: Any = await (await transaction.execute(query, (model.name,))).fetchone()
    return Generations(model.name, row[0], row[1])


async def _beside(transaction: Connection, model: ReadModel[Any]) -> Generations:
    standing = await _locked(transaction, model)
    if standing.beside is None:
        raise NothingBeside("read_model", read_model=model.name)
    return standing


async def _make_table(transaction: Connection, model: ReadModel[Any]) -> None:
    """The table of a second generation, with its indexes, and readable to whoever may read the first."""
    schema = await current_schema(transaction)
    # All names are the same as in the first: so every statement of the schema is too.
    await transaction.execute(f"set local search_path = {BESIDE}, {schema}".encode())
    for statement in model.schema:
        await transaction.execute(statement.encode())
    await transaction.execute(f"set local search_path = {schema}".encode())
    query = """select grantee, privilege_type from information_schema.table_privileges
                where table_schema = current_schema() and table_name = %s and grantee <> current_user"""
    rows: list[Any] = await (await transaction.execute(query, (model.table,))).fetchall()
    for grantee, privilege in rows:
        whom = sql.SQL("public") if grantee == "PUBLIC" else sql.Identifier(grantee)
        grant = sql.SQL("grant {} on {} to {}").format(sql.SQL(privilege), sql.Identifier(BESIDE, model.table), whom)
        await transaction.execute(grant)
