"""What do the rows of an event store say, as the server sends them? Read in one snapshot, hashed as they come.

PostgreSQL's binary COPY sends each value with its length before it, nearly as the canonical bytes of an event have them
(:mod:`chassis.ledger.leaf`), so no row becomes an object on its way to its hash. Nothing is computed by the server: whoever
rules it could have its functions say anything.
"""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

import psycopg
from psycopg.pq import ExecStatus

from congdoan.auditing.walking import Part

PART_EVENTS = 2_000

_COPY = """copy (select position, aggregate_id, version, branch_position, recorded_at, topic, branch, metadata, body
    from public.events where position > {after} and position <= {upto} order by position) to stdout (format binary)"""
_LAST = 2**63 - 1
_SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES = 19
_END = b"\xff\xff"

# Number of fields; position, aggregate id, version, branch position, recorded at, each after its length; length of the topic.
_FIXED = struct.Struct(">6s8s4s16s4s4s4sq4sqI")
_LENGTHS = (b"\0\x09\0\0\0\x08", b"\0\0\0\x10", b"\0\0\0\x04", b"\0\0\0\x08", b"\0\0\0\x08")
_LENGTH, _NUMBERS = struct.Struct(">I"), struct.Struct(">qq")
_KEY = slice(6, 42)
_TEXTS = 66
"""Where the length of the topic stands."""
_MICROSECONDS_UNTIL_2000 = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
"""PostgreSQL's time begins with 2000, the ledger's with 1970."""


class RowUnreadable(ValueError):
    """A row is none of an event store as it is made; `after` is the position of the one before."""

    def __init__(self, after: int) -> None:
        super().__init__(f"the row after position {after} is none of an event store")
        self.after = after


class Snapshot:
    """One moment of an event store, as long as it is open; reads only."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], service: str) -> None:
        self._connection, self._service = connection, service

    def ends(self) -> tuple[int, dict[bytes, int]]:
        """Where the store itself says that it ends, and each of its branches."""
        execute = self._connection.execute
        head = execute("select position from public.head").fetchall()
        branches = execute("select branch, position from public.branches").fetchall()
        return (
            int(str(head[0][0])) if len(head) == 1 else -1,
            {str(branch).encode(): int(str(position)) for branch, position in branches},
        )

    def parts(self, after: int = 0, upto: int = _LAST) -> Iterator[Part]:
        """The events after a position, in order.

        :raises RowUnreadable: one is none; what stood before it was given. :raises psycopg.Error: the database cannot be read.
        """
        name, last = self._service.encode(), after
        opening = b"\0" + struct.pack(">I", len(name)) + name
        rows = self._rows(_COPY.format(after=after, upto=upto))
        while True:
            part, readable = _hashed(islice(rows, PART_EVENTS), opening)
            if part.positions:
                last = part.positions[-1]
                yield part
            if not readable:
                raise RowUnreadable(last)
            if len(part.positions) < PART_EVENTS:
                return

    def _rows(self, query: str) -> Iterator[bytes]:
        server = self._connection.pgconn
        result = server.exec_(query.encode())
        if result.status != ExecStatus.COPY_OUT:
            raise psycopg.OperationalError(result.get_error_message())
        complete = False
        try:
            opened = False
            while True:
                many, data = server.get_copy_data(0)
                if many < 0:
                    complete = True
                    break
                row = bytes(data)
                if not opened:
                    row, opened = row[_HEADER_BYTES:] if row.startswith(_SIGNATURE) else row, True
                if row and row != _END:
                    yield row
            while ended := server.get_result():
                if ended.status == ExecStatus.FATAL_ERROR:
                    raise psycopg.OperationalError(ended.get_error_message())
        finally:
            if not complete:
                self._connection.close()  # what is still on its way would be taken for the next answer


@contextmanager
def snapshot(conninfo: str, service: str) -> Iterator[Snapshot]:
    """An event store at one moment.

    :raises psycopg.Error: it cannot be read.
    """
    connection = psycopg.connect(conninfo, options="-c timezone=UTC -c jit=off", application_name="congdoan audit verify")
    try:
        connection.execute("set transaction isolation level repeatable read, read only")
        yield Snapshot(connection, service)
    finally:
        connection.close()


def _hashed(rows: Iterable[bytes], opening: bytes) -> tuple[Part, bool]:
    """The events of some rows, until one is none; and whether they all are events.

    One loop without a call of ours: a call a row would take a fifth of its time.
    """
    part, positions, readable = Part(), list[bytes](), True
    fixed, length, numbers, joined = _FIXED.unpack_from, _LENGTH.unpack_from, _NUMBERS.pack, b"".join
    try:
        for row in rows:
            of_all, position, of_id, aggregate, of_version, version, of_number, number, of_time, time, of_topic = fixed(row)
            branch_at = _TEXTS + 4 + of_topic
            end = branch_at + 4 + length(row, branch_at)[0]
            if (of_all, of_id, of_version, of_number, of_time) != _LENGTHS or end > len(row):
                raise ValueError("no row of an event store")
            at = numbers(number, time + _MICROSECONDS_UNTIL_2000)
            leaf = sha256(joined((opening, position, aggregate, version, row[_TEXTS:end], at, row[end:]))).digest()
            positions.append(position)
            part.leaves.append(leaf)
            part.branches.append(row[branch_at + 4 : end])
            part.branch_positions.append(number)
            part.keys.append(row[_KEY])
    except (struct.error, ValueError):
        readable = False
    part.positions.extend(struct.unpack(f">{len(positions)}Q", joined(positions)))
    return part, readable
