"""Is every question over NATS answered, or refused by its rule, whatever happens to the one who answers?"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from chassis import answering
from chassis.answering import Answering, Question
from chassis.limits import Limits
from chassis.refusals import NotFound
from congdoan.embedded import EmbeddedNats

SUBJECT = "branches.*.snapshot"
PATIENCE_S = 120


class NotHere(NotFound):
    """There is none."""

    vi = "Không có ở đây."
    en = "It is not here."


class Answers:
    """Says who asked what, and does as it is told."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self.held.set()
        self.inside = self.most = self.asked = 0

    async def __call__(self, asker: str, question: Question) -> Mapping[str, Any]:
        self.inside, self.asked = self.inside + 1, self.asked + 1
        self.most = max(self.most, self.inside)
        try:
            await self.held.wait()
            match question.get("do"):
                case "refuse":
                    raise NotHere("unit")
                case "fail":
                    raise RuntimeError("a value that nobody may see")
                case "lose":
                    raise psycopg.OperationalError("the database, by name")
                case "tell-too-much":
                    return {"text": "x" * (answering.MAX_ANSWER_BYTES + 1)}
                case "tell-no-json":
                    return {"text": object()}
            return {"asker": asker, **question}
        finally:
            self.inside -= 1


@asynccontextmanager
async def answered(nats: EmbeddedNats, answers: Answers, limits: Limits | None = None) -> AsyncIterator[Client]:
    """Somebody answers, and somebody asks."""
    part = Answering(nats.url, "test", SUBJECT, answers, limits)
    await part.start()
    client = Client()
    await client.connect(nats.url, max_reconnect_attempts=-1, reconnect_time_wait=0)
    try:
        await asked(client, "ha-noi")
        yield client
    finally:
        await client.close()
        await part.stop()


async def asked(client: Client, asker: str, question: Mapping[str, Any] | bytes = b"") -> Any:
    """The answer, as soon as somebody is there to give it."""
    data = question if isinstance(question, bytes) else orjson.dumps(question)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return orjson.loads((await client.request(f"branches.{asker}.snapshot", data, timeout=2)).data)
            except (NatsError, OSError):
                await asyncio.sleep(0.05)


async def test_who_asks_stands_in_the_subject_and_nowhere_else(nats: EmbeddedNats) -> None:
    async with answered(nats, Answers()) as client:
        told = await asked(client, "ha-noi", {"branch": "vinh-phuc", "subject": "branches.vinh-phuc.snapshot"})
        assert told == {"asker": "ha-noi", "branch": "vinh-phuc", "subject": "branches.vinh-phuc.snapshot"}
        assert (await asked(client, "ha-noi")) == {"asker": "ha-noi"}


@pytest.mark.parametrize(
    ("question", "rule"),
    [
        ({"do": "refuse"}, "NotHere"),
        ({"do": "fail"}, "Fault"),
        ({"do": "lose"}, "Unavailable"),
        ({"do": "tell-too-much"}, "Fault"),
        ({"do": "tell-no-json"}, "Fault"),
        (b"{", "Invalid"),
        (b"null", "Invalid"),
        (b"x" * (answering.MAX_QUESTION_BYTES + 1), "Invalid"),
    ],
)
async def test_whatever_goes_wrong_is_told_and_ends_nothing(
    nats: EmbeddedNats, question: Mapping[str, Any] | bytes, rule: str
) -> None:
    async with answered(nats, Answers()) as client:
        error = (await asked(client, "ha-noi", question))["error"]
        assert error["rule"] == rule
        assert "nobody may see" not in error["message"]
        assert ("retry_after_s" in error) == (rule == "Unavailable")
        assert await asked(client, "ha-noi") == {"asker": "ha-noi"}
        if isinstance(question, dict):
            english = (await asked(client, "ha-noi", {**question, "lang": "en"}))["error"]
            assert english["message"] != error["message"]


async def test_what_nobody_waits_for_is_not_answered(nats: EmbeddedNats) -> None:
    answers = Answers()
    async with answered(nats, answers) as client:
        before = answers.asked
        await client.publish("branches.ha-noi.snapshot", b"{}")
        assert await asked(client, "ha-noi") == {"asker": "ha-noi"}
        assert answers.asked == before + 1


async def test_no_more_is_answered_at_once_than_can_be_and_one_who_asks_much_keeps_nobody_waiting(nats: EmbeddedNats) -> None:
    answers = Answers()
    async with answered(nats, answers) as client:
        answers.held.clear()
        greedy = [asyncio.create_task(asked(client, "ha-noi")) for _ in range(50)]
        others = [asyncio.create_task(asked(client, f"tinh-{number}")) for number in range(20)]
        waiting = {*greedy, *others}
        while len(waiting) > answering.AT_ONCE:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        answers.held.set()
        told = [await task for task in (*greedy, *others)]
        assert answers.most <= answering.AT_ONCE
        assert sum("error" not in one for one in told[:50]) == answering.AT_ONCE_EACH
        assert sum("error" not in one for one in told[50:]) == answering.AT_ONCE - answering.AT_ONCE_EACH
        refused = [one["error"] for one in told if "error" in one]
        assert {error["rule"] for error in refused} == {"Overloaded"}
        assert all(error["retry_after_s"] > 0 for error in refused)
        assert await asked(client, "ha-noi") == {"asker": "ha-noi"}


async def test_after_the_server_was_gone_everybody_is_answered_again(own_nats: EmbeddedNats) -> None:
    async with answered(own_nats, Answers()) as client:
        for _ in range(2):
            own_nats.kill()
            own_nats.start()
            assert await asked(client, "ha-noi") == {"asker": "ha-noi"}


async def test_of_two_who_answer_one_does(nats: EmbeddedNats) -> None:
    first, second = Answers(), Answers()
    async with answered(nats, first) as client, answered(nats, second):
        told = await asyncio.gather(*[asked(client, f"tinh-{number}") for number in range(6)])
        assert [one["asker"] for one in told] == [f"tinh-{number}" for number in range(6)]
        inbox = await client.subscribe(client.new_inbox())
        await client.publish("branches.ha-noi.snapshot", b"{}", reply=inbox.subject)
        assert orjson.loads((await inbox.next_msg(timeout=PATIENCE_S)).data) == {"asker": "ha-noi"}
        await asked(client, "ha-noi")
        assert inbox.pending_msgs == 0
