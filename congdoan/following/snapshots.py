"""What does the hub answer to a branch that asks what it consists of just now? Units first, then members, page by page."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from nats.aio.client import Client

SUBJECT = "snapshot"
ARRIVED = "membership.unit_arrived"
REQUEST_TIMEOUT_S = 30.0
_ELSEWHERE = "UnitElsewhere"


class SnapshotRefused(Exception):
    """The hub has no snapshot just now; the message is its own."""


@dataclass(frozen=True, slots=True)
class Row:
    """A unit or a member of the branch as of a branch position of membership, at least."""

    branch: str
    position: int
    recorded_at: str
    kind: str
    fields: dict[str, Any]

    @property
    def line(self) -> bytes:
        """One line of JSON."""
        document = {
            "type": f"snapshot.{self.kind}",
            "branch": self.branch,
            "branch_position": self.position,
            "time": self.recorded_at,
            "unit": self.fields["unit"],
            "body": self.fields,
        }
        return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)


async def pages_of_branch(client: Client, branch: str) -> AsyncIterator[list[Row]]:
    """All units and members, page by page; there is at least one page, and the first has a row: the branch's own unit.

    :raises SnapshotRefused: there is none just now. :raises NatsError: no answer.
    """
    async for page in _pages(client, branch, {}):
        yield page


async def pages_of_what_arrived(client: Client, branch: str, units: Sequence[str]) -> AsyncIterator[list[Row]]:
    """Some units with all below them and their members; nothing of a unit that has left the branch again.

    Each is asked for unless it came with one before: what arrived together may lie in several places by now.

    :raises SnapshotRefused: there is none just now. :raises NatsError: no answer.
    """
    there: set[str] = set()
    for unit in units:
        if unit not in there:
            async for page in _pages(client, branch, {"unit": unit}):
                there |= {row.fields["unit"] for row in page if row.kind == "unit"}
                yield page


async def _pages(client: Client, branch: str, asked: dict[str, str]) -> AsyncIterator[list[Row]]:
    more: str | None = ""
    while more is not None:
        request = {**asked, "after": more} if more else asked
        answer = orjson.loads((await client.request(SUBJECT, orjson.dumps(request), timeout=REQUEST_TIMEOUT_S)).data)
        if error := answer.get("error"):
            if error["rule"] == _ELSEWHERE:
                return
            raise SnapshotRefused(error["message"])
        kinds = [(kind, fields) for kind in ("unit", "member") for fields in answer[f"{kind}s"]]
        yield [Row(branch, answer["position"], answer["recorded_at"], *row) for row in kinds]
        more = answer["next"]
