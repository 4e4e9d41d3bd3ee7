"""How is a question answered that comes over NATS, from somebody who can call nothing else?

Who asks stands in the subject, and NATS lets nobody else ask there: whatever the question itself says, it is answered to
that one. Question and answer are JSON objects; a refusal is ``{"error": {"rule": …, "message": …}}``. So much is answered
at once and no more, for everybody and for each; and nothing that is asked ends the answering.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson
import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from chassis.calls import refusal_of
from chassis.ending import ended
from chassis.limits import Limits
from chassis.nats_addresses import secured
from chassis.nats_client import Client
from chassis.refusals import Invalid, Language, Overloaded, Problem, Refusal
from chassis.rich_status import retry_after
from chassis.streams import connection_options

MAX_QUESTION_BYTES = 8 << 10
MAX_ANSWER_BYTES = 768 << 10
"""NATS carries 1 MiB unless it is told otherwise."""

AT_ONCE, AT_ONCE_EACH = 8, 2
PER_SECOND_EACH, BURST_EACH = 50.0, 200.0
ANSWERED_WITHIN_S = 10.0

Question = Mapping[str, Any]
Answer = Callable[[str, Question], Awaitable[Mapping[str, Any]]]
"""Who asks, and what → the answer; raises a refusal."""

log = structlog.get_logger("chassis.answering")


class Answering:
    """Answers one kind of question, each once, whichever process of the service gets it.

    :param subject: with one ``*``, which stands for who asks.
    :param limits: how much each may ask.
    """

    def __init__(self, url: str, name: str, subject: str, answer: Answer, limits: Limits | None = None) -> None:
        self._url, self._name, self._subject, self._answer = url, name, subject, answer
        self._place = subject.split(".").index("*")
        self._limits = limits or Limits(PER_SECOND_EACH, BURST_EACH, AT_ONCE_EACH)
        self._under_way: set[asyncio.Task[None]] = set()
        self._inside = 0
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to answer; returns at once, whether NATS can be reached or not."""
        self.task = asyncio.create_task(self._keep(), name=f"answering-{self._subject}")

    async def stop(self) -> None:
        """Stop; whoever waits for an answer asks again."""
        await ended(self.task)

    async def _keep(self) -> None:
        while True:
            closed = asyncio.Event()
            client = Client()
            try:
                options = connection_options(closed) | secured(self._url)
                await client.connect(self._url, name=f"{self._name}-answering", **options)
                await client.subscribe(self._subject, queue=f"{self._name}-answering", cb=self._asked)
                await closed.wait()
            except (NatsError, OSError, TimeoutError) as error:
                log.warning("nobody can ask", subject=self._subject, reason=str(error) or type(error).__name__)
            finally:
                for task in self._under_way:
                    task.cancel()
                if client.options:  # else it never began to connect
                    await client.close()
            await asyncio.sleep(1.0)

    async def _asked(self, message: Msg) -> None:
        """Take a question in, without waiting for its answer."""
        if not message.reply:
            return
        task = asyncio.create_task(self._serve(message), name="answer")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _serve(self, message: Msg) -> None:
        language: Language = "vi"
        try:
            question = _question(message.data)
            language = "en" if question.get("lang") == "en" else "vi"
            found = orjson.dumps(await self._found(message.subject.split(".")[self._place], question))
            if len(found) > MAX_ANSWER_BYTES:
                raise ValueError("an answer is too large")
        except Exception as error:
            found = told(refusal_of(error, self._subject), language)
        with suppress(NatsError, OSError):  # whoever asked has no answer then, and asks again
            await message.respond(found)

    async def _found(self, asker: str, question: Question) -> Mapping[str, Any]:
        if self._inside >= AT_ONCE:
            raise Overloaded()
        with self._limits.entered(asker):
            self._inside += 1
            try:
                async with asyncio.timeout(ANSWERED_WITHIN_S):
                    return await self._answer(asker, question)
            finally:
                self._inside -= 1


def told(refusal: Refusal, language: Language) -> bytes:
    """A refusal as an answer; with `retry_after_s` where asking again helps."""
    error: dict[str, Any] = {"rule": refusal.rule, "message": refusal.sentence(language)}
    if (seconds := retry_after(refusal)) is not None:
        error["retry_after_s"] = seconds
    return orjson.dumps({"error": error})


def _question(data: bytes) -> Question:
    """:raises Invalid: it is no JSON object, or too large. Nothing at all asks nothing in particular."""
    if len(data) > MAX_QUESTION_BYTES:
        raise Invalid(Problem("request", "quá lớn", "is too large"))
    try:
        question = orjson.loads(data or b"{}")
    except orjson.JSONDecodeError:
        question = None
    if not isinstance(question, dict):
        raise Invalid(Problem("request", "phải là một đối tượng JSON", "must be a JSON object"))
    return question
