"""Where does an auditor on this machine, or elsewhere, read streams and stores, and as whom?"""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from chassis.clients import Refused
from congdoan import whereabouts
from congdoan.auditing.locating import Reader
from congdoan.auditing.messages import StreamUnavailable
from congdoan.auditing.roles import as_auditor
from congdoan.auditing.verifying import Places
from congdoan.clients import Federation
from congdoan.embedded import EmbeddedPostgres
from congdoan.provinces import Hub
from congdoan.suite import auditor_key_of

SERVICE = "{service}"
"""In the connection string of a store it stands for the name of the service."""
PAGE = 1_000


def of_suite(data: Path | None) -> Places:
    """Streams and stores of a suite of this machine, as the auditor's identities read them.

    :raises NoSuite: there is none. :raises HubUnavailable: no NATS server runs there.
    """
    note = whereabouts.find(data.resolve() if data else None)
    hub = Hub.found(Path(note.run))
    databases = EmbeddedPostgres(Path(note.data), Path(note.run))
    server = f"nats://{hub.address}", auditor_key_of(Path(note.data))
    return Places(server, lambda service: as_auditor(databases.conninfo(service)))


def named_store(conninfo: str) -> Callable[[str], str]:
    """The stores of a connection string."""
    return lambda service: conninfo.replace(SERVICE, service)


def sealed_by_audit(federation: Federation) -> Callable[[str], Reader]:
    """The leaf hashes that audit sealed, page by page."""

    def of(service: str) -> Reader:
        async def leaves(after: int, upto: int) -> AsyncIterator[Sequence[bytes]]:
            while after < upto:
                page = {"size": min(PAGE, upto - after), "after": str(after)}
                try:
                    entries = (await federation.call("audit", "ListLog", {"service": service, "page": page})).entries
                except Refused as refused:
                    raise StreamUnavailable(f"audit: {refused.sentence}") from None
                if not entries:
                    return
                yield [entry.leaf_hash for entry in entries]
                after = entries[-1].position

        return leaves

    return of
