"""What can somebody do to a stream who administers JetStream? Each kind of damage, done to a stream of a service."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg

from chassis.streams import api, closed, stream_name, stream_of
from tests.connected.example import announced

DAMAGED = 7
"""The position at which something is wrong afterwards."""


async def made_again(client: Client, service: str, messages: Sequence[Msg], **settings: object) -> None:
    """Another stream of the same name, which says something else."""
    await api(client, f"STREAM.DELETE.{stream_name(service)}")
    await api(client, f"STREAM.CREATE.{stream_name(service)}", {**stream_of(service).configuration, **settings})
    for message in messages:
        kept = {name: value for name, value in (message.headers or {}).items() if not name.startswith("Nats-")}
        await client.jetstream().publish(message.subject, message.data, headers=kept)


async def deleted(client: Client, service: str) -> None:
    """The stream is gone."""
    await api(client, f"STREAM.DELETE.{stream_name(service)}")


async def one_missing(client: Client, service: str) -> None:
    """A message was taken out; the server knows that there was one."""
    await made_again(client, service, await announced(client, service), deny_delete=False)
    await api(client, f"STREAM.MSG.DELETE.{stream_name(service)}", {"seq": DAMAGED})


async def one_left_out(client: Client, service: str) -> None:
    """A message was never there: everything after it stands one sequence too early."""
    messages = await announced(client, service)
    await made_again(client, service, messages[: DAMAGED - 1] + messages[DAMAGED:])


async def one_changed(client: Client, service: str) -> None:
    """A message has another body."""
    messages = await announced(client, service)
    messages[DAMAGED - 1].data = b" " + messages[DAMAGED - 1].data
    await made_again(client, service, messages)


async def replaced_by_its_like(client: Client, service: str) -> None:
    """Another stream of the same name says the same."""
    await made_again(client, service, await announced(client, service))


async def one_header_changed(client: Client, service: str) -> None:
    """A message says that it was recorded at another time."""
    messages = await announced(client, service)
    headers: dict[str, Any] = messages[DAMAGED - 1].headers or {}
    messages[DAMAGED - 1].headers = headers | {"ce-time": "2001-01-01T00:00:00+00:00"}
    await made_again(client, service, messages)


async def purged(client: Client, service: str) -> None:
    """The beginning is gone."""
    await made_again(client, service, await announced(client, service), deny_purge=False)
    await api(client, f"STREAM.PURGE.{stream_name(service)}", {"seq": DAMAGED + 1})


async def followed_by_what_is_no_event(client: Client, service: str) -> None:
    """After everything recorded there is more, which no service says."""
    for number in range(3):
        await client.jetstream().publish(f"federation.{service}.vinh-phuc.counted", b"%d" % number)


async def sealed(client: Client, service: str) -> None:
    """The stream takes nothing any more, and never will."""
    found = (await api(client, f"STREAM.INFO.{stream_name(service)}"))["config"]
    await api(client, f"STREAM.UPDATE.{stream_name(service)}", {**found, "sealed": True})


async def made_to_forget(client: Client, service: str) -> None:
    """What is older than a year will go."""
    found = (await api(client, f"STREAM.INFO.{stream_name(service)}"))["config"]
    await api(client, f"STREAM.UPDATE.{stream_name(service)}", {**found, "max_age": 365 * 86_400 * 10**9})


async def hard_to_read(client: Client, service: str) -> None:
    """Whoever reads is forgotten after a second."""
    await made_again(client, service, await announced(client, service), consumer_limits={"inactive_threshold": 10**9})


async def closed_to_readers(client: Client, service: str) -> None:
    """Nobody can read it, as if it were being filled."""
    await api(client, f"STREAM.UPDATE.{stream_name(service)}", closed(stream_of(service)).configuration)


Damage = Callable[[Client, str], Awaitable[None]]
EVERY_KIND: Sequence[Damage] = (
    deleted, one_missing, one_left_out, one_changed, one_header_changed, purged, followed_by_what_is_no_event, sealed,
    made_to_forget, hard_to_read,
)  # fmt: skip
