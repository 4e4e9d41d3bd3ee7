"""From where may the next verification begin? After the checkpoints that the last one saw match: a file keeps the tree's edge.

The file is the auditor's own, and as little as the tree needs to grow on: of each service a size, some thirty hashes, and
where its branches end. Were it changed, the next checkpoint would not go on from it.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from chassis.files import write_whole
from chassis.ledger.merkle import HASH_BYTES
from chassis.ledger.witness import Witness
from congdoan.auditing.kept import Ledger
from congdoan.auditing.walking import Start


class VerifiedUnreadable(Exception):
    """The file is none that a verification left, or was left under another key of the ledger."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified earlier: under which key, how much of the ledger's stream, and each service until where."""

    key: str = ""
    sequence: int = 0
    services: Mapping[str, Start] = field(default_factory=dict)

    def ledger(self) -> Ledger:
        """The ledger as it was read then."""
        witnesses = {service: Witness(service, start.size, start.root) for service, start in self.services.items()}
        return Ledger(self.sequence, witnesses)

    @classmethod
    def read(cls, file: Path, key: str) -> "Verified":
        """What a file keeps; nothing when there is none yet.

        :raises VerifiedUnreadable: it keeps something else.
        """
        if not file.exists():
            return cls(key)
        try:
            found = orjson.loads(file.read_bytes())
            services = {service: _start(told) for service, told in found["services"].items()}
            if found["key"] != key:
                raise VerifiedUnreadable(file)
            return cls(key, int(found["ledger_sequence"]), services)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            raise VerifiedUnreadable(file) from None

    def write(self, file: Path) -> None:
        """Keep it, for the next time.

        :raises OSError: it cannot be written.
        """
        services = {service: _told(start) for service, start in self.services.items()}
        document = {"key": self.key, "ledger_sequence": self.sequence, "services": services}
        write_whole(file, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _told(start: Start) -> dict[str, Any]:
    branches = {branch.decode(): number for branch, number in start.branches.items()}
    return {"size": start.size, "edge": [b64encode(found).decode() for found in start.edge], "branches": branches}


def _start(told: Mapping[str, Any]) -> Start:
    edge = tuple(b64decode(text, validate=True) for text in told["edge"])
    if len(edge) != int(told["size"]).bit_count() or any(len(found) != HASH_BYTES for found in edge):
        raise ValueError("no edge of a tree")
    return Start(int(told["size"]), edge, {branch.encode(): int(number) for branch, number in told["branches"].items()})
