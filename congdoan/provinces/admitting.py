"""How is an auditor elsewhere let in to read the streams, and how does that end?"""

from datetime import UTC, datetime
from pathlib import Path

from congdoan.provinces.auditors import Auditor
from congdoan.provinces.hub import Hub


class NotAdmitted(Exception):
    """There is no such auditor."""


async def admit(hub: Hub, name: str, file: Path, *, now: datetime | None = None) -> Auditor:
    """Let an auditor in by a key that is written to a file, for its owner alone; again after an interruption completes it.

    :raises NoAuditorName, KeyInTheWay: nothing was changed.
    :raises HubUnavailable: the server does not answer; admit again, and it is completed.
    """
    async with hub.grants.changing():
        admitted = hub.auditors.admit(name, file, now or datetime.now(UTC))
        hub.write()
        await hub.reload()
    return admitted


async def dismiss(hub: Hub, name: str) -> None:
    """Let an auditor in no more, and end the connections.

    :raises NotAdmitted: there is none of the name. :raises HubUnavailable: the server does not answer; dismiss again.
    """
    async with hub.grants.changing():
        found = hub.auditors.remove(name)
        hub.write()
        await hub.reload()
    if not found:
        raise NotAdmitted(name)
