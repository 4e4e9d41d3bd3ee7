"""How far has each branch's own stream come in ours, and how does it go on just there when ours was filled anew?

The server notices that a stream of which it copies was lost, and copies the new one from its beginning: every event of
the branch a second time. So, while the new stream is closed, each copy is told once more of what it is made, beginning
after the last event it holds; when the stream is opened the server goes on there (seen on nats-server 2.15.1).
"""

import json
from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from nats.aio.client import Client
from nats.errors import NoRespondersError

from chassis.cloudevents import ROOT, token
from chassis.streams import NOT_FOUND, REQUEST_TIMEOUT_S, JetStreamError, answer, stream_name

BRANCH = "BRANCH"
"""The one stream of a branch's account."""
NO_MESSAGE = 10037
_ORIGIN = "Nats-Stream-Source: "


def api_of(code: str) -> str:
    """Where the services' account finds the JetStream API of a branch's."""
    return f"branches.{code}.api"


async def keep_places(client: Client, service: str, branches: Iterable[str]) -> list[str]:
    """Have the stream of each branch that has one go on after the last event of a service that it holds; answers which.

    May be repeated at any time, also after it was ended in the middle.

    :raises JetStreamError: the server refuses; :raises NatsError: no answer.
    """
    return [code for code in branches if await _keep_place(client, service, token(code))]


async def _keep_place(client: Client, service: str, code: str) -> bool:
    try:
        found = (await _asked(client, code, f"STREAM.INFO.{BRANCH}"))["config"]
    except NoRespondersError:
        return False  # nobody was granted an account there
    except JetStreamError as error:
        if error.code == NOT_FOUND:
            return False
        raise
    stream, part = stream_name(service), f"{ROOT}.{token(service)}.{code}.>"
    others = [source for source in found["sources"] if source["name"] != stream]
    # First nothing more comes, then it is looked what came last; else something could come between the two.
    await _asked(client, code, f"STREAM.UPDATE.{BRANCH}", {**found, "sources": others})
    external = {"external": others[0]["external"]} if others else {}
    source = {"name": stream, "filter_subject": part, **external, "opt_start_seq": await _last(client, code, part) + 1}
    await _asked(client, code, f"STREAM.UPDATE.{BRANCH}", {**found, "sources": [source, *others]})
    return True


async def _last(client: Client, code: str, part: str) -> int:
    """The sequence that the last event of a part of the branch has in the stream from which it came; 0 when there is none."""
    try:
        found = (await _asked(client, code, f"STREAM.MSG.GET.{BRANCH}", {"last_by_subj": part}))["message"]
    except JetStreamError as error:
        if error.code == NO_MESSAGE:
            return 0
        raise
    lines = b64decode(found.get("hdrs", "")).decode().splitlines()
    origin = next(line.removeprefix(_ORIGIN) for line in lines if line.startswith(_ORIGIN))
    return int(origin.split(" ")[1])


async def _asked(client: Client, code: str, request: str, body: object = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else b""
    return answer((await client.request(f"{api_of(code)}.{request}", data, timeout=REQUEST_TIMEOUT_S)).data)
