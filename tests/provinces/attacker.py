"""What would somebody try who has a province's key and wants more than what is its own?"""

import asyncio
import json
from contextlib import suppress
from typing import Any

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.streams import LEDGER, api, stream_name
from congdoan.provinces.branch_streams import configuration
from congdoan.provinces.configuration import API, BRANCH, api_of
from congdoan.services import RECORDING

OWN, FOREIGN = "ha-noi", "vinh-phuc"
STREAMS = [*map(stream_name, RECORDING), LEDGER]
MEMBERSHIP = stream_name("membership")
ANSWERED_WITHIN_S = 0.25


def consumer(stream: str, name: str, **more: object) -> dict[str, Any]:
    """The body that asks for a consumer."""
    return {"stream_name": stream, "config": {"name": name, "ack_policy": "none", "deliver_policy": "all", **more}}


def forbidden_requests() -> list[tuple[str, object]]:
    """Subjects on which a province has nothing to say, with bodies that would do harm."""
    asked: list[tuple[str, object]] = []
    for prefix in ("$JS.API", API, "$JS.hub.API", "hub.api", api_of(FOREIGN), api_of(OWN)):
        asked += [(f"{prefix}.INFO", ""), (f"{prefix}.STREAM.NAMES", ""), (f"{prefix}.STREAM.LIST", "")]
        for stream in (*STREAMS, BRANCH):
            own = stream == BRANCH and prefix == API
            asked += [
                *(() if own else ((f"{prefix}.STREAM.INFO.{stream}", ""), (f"{prefix}.CONSUMER.LIST.{stream}", ""))),
                (f"{prefix}.STREAM.MSG.GET.{stream}", {"seq": 2}),
                (f"{prefix}.STREAM.MSG.GET.{stream}", {"last_by_subj": f"federation.membership.{FOREIGN}.happened"}),
                (f"{prefix}.DIRECT.GET.{stream}", {"seq": 2}),
                (f"{prefix}.DIRECT.GET.{stream}.federation.membership.{FOREIGN}.happened", ""),
                (f"{prefix}.STREAM.PURGE.{stream}", ""),
                (f"{prefix}.STREAM.DELETE.{stream}", ""),
                (f"{prefix}.STREAM.MSG.DELETE.{stream}", {"seq": 1}),
                (f"{prefix}.STREAM.UPDATE.{stream}", {"name": stream, "subjects": ["stolen.>"]}),
            ]
        asked += [
            (f"{prefix}.CONSUMER.CREATE.{MEMBERSHIP}.evil", consumer(MEMBERSHIP, "evil")),
            (f"{prefix}.CONSUMER.CREATE.{MEMBERSHIP}.evil.federation.membership.>", _filtered("federation.membership.>")),
            (
                f"{prefix}.CONSUMER.CREATE.{MEMBERSHIP}.evil.federation.membership.{FOREIGN}.>",
                _filtered(f"federation.membership.{FOREIGN}.>"),
            ),
            (
                f"{prefix}.CONSUMER.CREATE.{MEMBERSHIP}.evil.federation.membership.{OWN}.>",
                _filtered(f"federation.membership.{FOREIGN}.>"),
            ),
            (f"{prefix}.CONSUMER.DURABLE.CREATE.{MEMBERSHIP}.evil", consumer(MEMBERSHIP, "evil", durable_name="evil")),
            (f"{prefix}.CONSUMER.MSG.NEXT.{MEMBERSHIP}.reader", {"batch": 10}),
            (f"{prefix}.STREAM.CREATE.MINE", {"name": "MINE", "subjects": ["federation.>"]}),
            (f"{prefix}.STREAM.CREATE.MINE", {"name": "MINE", "mirror": {"name": MEMBERSHIP}}),
            (f"{prefix}.STREAM.CREATE.MINE", {"name": "MINE", "sources": configuration(FOREIGN)["sources"]}),
        ]
    asked += [(f"federation.membership.{code}.member_joined", "forged") for code in (OWN, FOREIGN)]
    asked += [
        ("federation.ledger.membership.checkpoint", "forged"),
        ("deadletters.x", "forged"),
        ("schedules.membership.due", "forged"),
        (f"deliver.{FOREIGN}.S.x", "forged"),
        (f"deliver.{OWN}.S.x", "forged"),
        (f"branches.{FOREIGN}.snapshot", ""),
        (f"branches.{OWN}.snapshot", ""),
        (f"$JS.FC.{MEMBERSHIP}.x.y", ""),
        ("$SYS.REQ.SERVER.PING", ""),
        ("$SYS.REQ.SERVER.PING.CONNZ", ""),
        (f"$SYS.REQ.ACCOUNT.branch-{FOREIGN}.INFO", ""),
        (f"$SYS.REQ.ACCOUNT.province-{FOREIGN}.CONNZ", ""),
        ("$SYS.REQ.ACCOUNT.PING.CONNZ", ""),
        ("$SYS.REQ.USER.INFO", ""),
        ("_INBOX.somebody", "forged"),
    ]  # fmt: skip
    return asked


def _filtered(subject: str) -> dict[str, Any]:
    return consumer(MEMBERSHIP, "evil", filter_subject=subject)


FORBIDDEN_SUBSCRIPTIONS = (
    ">", "*", "*.>", "federation.>", f"federation.*.{FOREIGN}.>", "deliver.>", f"deliver.{FOREIGN}.>", "branches.>", "$SYS.>",
    "$JS.>", "$JS.EVENT.>", "$JS.EVENT.ADVISORY.>", "$JS.ACK.>", "$JS.API.>", "_R_.>", "snapshot", "hub.>", "$JSC.>",
)  # fmt: skip

DETOURS = (
    f"$JS.API.STREAM.DELETE.{BRANCH}",
    f"$JS.API.STREAM.PURGE.{BRANCH}",
    f"$JS.API.STREAM.DELETE.{MEMBERSHIP}",
    f"{API}.STREAM.DELETE.{BRANCH}",
    f"federation.membership.{OWN}.forged",
    f"federation.membership.{FOREIGN}.forged",
    f"deliver.{FOREIGN}.S.x",
    f"deliver.{OWN}.S.x",
    f"hub.api.CONSUMER.CREATE.{MEMBERSHIP}.x.federation.membership.{OWN}.happened",
    f"branches.{FOREIGN}.snapshot",
    f"branches.{FOREIGN}.api.STREAM.DELETE.{BRANCH}",
    f"$JS.FC.{MEMBERSHIP}.x.y",
    "$SYS.REQ.SERVER.PING",
)
"""Where an attacker would have an answer, or an event, sent by the server with the server's rights."""


class Attacker:
    """Somebody with a connection, who keeps everything that comes."""

    def __init__(self, client: Client, prefix: str = API) -> None:
        self.client, self.prefix = client, prefix
        self.seen: list[bytes] = []
        self.answered: list[tuple[str, bytes]] = []

    @property
    def foreign(self) -> list[bytes]:
        """What came and is an event of another branch, as its words tell; an attacker's own do not say them."""
        return [each for each in self.seen if f" {FOREIGN} ".encode() in each]

    async def request(self, subject: str, body: object) -> bytes | None:
        """What is answered; None when nothing is."""
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        try:
            answer = await self.client.request(subject, data, timeout=ANSWERED_WITHIN_S)
        except NatsError:
            return None
        self._keep(answer)
        return answer.data

    async def listen(self, subject: str, queue: str = "") -> None:
        """Hear whatever comes on a subject."""

        async def keep(message: Msg) -> None:
            self._keep(message)

        with suppress(NatsError):
            await self.client.subscribe(subject, queue=queue, cb=keep)

    def _keep(self, message: Msg) -> None:
        self.seen.append(repr((message.subject, message.headers)).encode() + message.data)

    async def ask_for_everything(self) -> None:
        """Every request on which nothing may be answered but a refusal; all at once, for the time they wait."""
        requests = forbidden_requests()
        for start in range(0, len(requests), 50):
            some = requests[start : start + 50]
            answers = await asyncio.gather(*(self.request(subject, body) for subject, body in some))
            self.answered += [(subject, answer) for (subject, _), answer in zip(some, answers, strict=True) if answer is not None]

    async def hear_everything(self) -> None:
        """Every subscription that is too wide, alone and in a queue group."""
        for subject in FORBIDDEN_SUBSCRIPTIONS:
            await self.listen(subject)
            await self.listen(subject, "group")
        await self.client.flush()

    async def ask_with_other_bodies(self) -> list[dict[str, Any]]:
        """Consumers of the own stream whose bodies ask for more than their subjects; what was answered."""
        own = f"{self.prefix}.CONSUMER.CREATE.{BRANCH}"
        foreign = f"federation.membership.{FOREIGN}.>"
        asked: list[tuple[str, object]] = [
            (f"{own}.a.federation.membership.{OWN}.>", consumer(BRANCH, "a", filter_subject=foreign)),
            (f"{own}.b", consumer(MEMBERSHIP, "b")),
            (f"{own}.c.federation.membership.{OWN}.>", consumer(BRANCH, "c", filter_subjects=[foreign, "federation.>"])),
        ]
        return [json.loads(await self.request(subject, body) or b"{}") for subject, body in asked]

    async def ask_by_detours(self) -> None:
        """Have answers, statuses and events sent where only the server may send."""
        await self.request(f"{self.prefix}.CONSUMER.CREATE.{BRANCH}.detour", consumer(BRANCH, "detour", ack_policy="explicit"))
        for subject in DETOURS:
            for asked, body in (
                (f"STREAM.INFO.{BRANCH}", b""),
                (f"CONSUMER.INFO.{BRANCH}.detour", b""),
                (f"CONSUMER.MSG.NEXT.{BRANCH}.detour", b'{"batch":2,"no_wait":true}'),
                (f"CONSUMER.MSG.NEXT.{BRANCH}.detour", b'{"batch":1000,"no_wait":true}'),
                (f"CONSUMER.MSG.NEXT.{BRANCH}.detour", b'{"batch":1,"no_wait":true}'),
            ):
                await self.client.publish(f"{self.prefix}.{asked}", body, reply=subject)
        await self.client.flush()

    async def have_pushed(self) -> None:
        """Have events pushed, with heartbeats, to where only the server may send."""
        for number, subject in enumerate((*DETOURS, "mirror.x", "_INBOX.x", "snapshot")):
            pushed = consumer(BRANCH, f"push{number}", deliver_subject=subject, idle_heartbeat=100_000_000, flow_control=True)
            await self.request(f"{self.prefix}.CONSUMER.CREATE.{BRANCH}.push{number}", pushed)
            await self.request(f"{self.prefix}.CONSUMER.DELETE.{BRANCH}.push{number}", "")

    async def acknowledge_of_others(self) -> None:
        """Acknowledge and slow down what others read."""
        for name in (BRANCH, MEMBERSHIP):
            for sequence in range(1, 30):
                await self.client.publish(f"$JS.ACK.{name}.reader.1.{sequence}.{sequence}.1.0", b"+ACK")
        await self.client.flush()


async def fingerprint(services: Client) -> dict[str, Any]:
    """Everything that no province may change: the streams of the services and of the branches, and who reads them."""
    found: dict[str, Any] = {}
    for name in (await api(services, "STREAM.NAMES"))["streams"] or ():
        found[name] = await api(services, f"STREAM.INFO.{name}", {"deleted_details": True})
    for code in (OWN, FOREIGN):
        answer = await services.request(f"{api_of(code)}.STREAM.LIST", b"", timeout=20)
        for stream in json.loads(answer.data)["streams"] or ():
            found[f"{code} {stream['config']['name']}"] = stream
        answer = await services.request(f"{api_of(code)}.CONSUMER.INFO.{BRANCH}.reader", b"", timeout=20)
        found[f"{code} reader"] = json.loads(answer.data).get("ack_floor", {}).get("stream_seq")
    return {name: _lasting(told) for name, told in found.items()}


def _lasting(told: Any) -> Any:
    if not isinstance(told, dict):
        return told
    state = {name: value for name, value in told["state"].items() if name != "consumer_count"}
    return told["config"], told["created"], state
