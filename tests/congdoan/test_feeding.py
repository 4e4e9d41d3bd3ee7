"""How is a sample sent: as whom, and what when a service cannot decide just now?"""

from typing import Any

import pytest

from chassis.refusals import Status
from congdoan import feeding
from congdoan.feeding import SampleRefused, feed
from congdoan.sample import Sample, Sender
from congdoan.sample.duties import Item
from congdoan.sample.steps import named, step
from federation.contract.v1 import contract_pb2

SEAL = Item("vinh-phuc", 2024, "focal", "Hội nghị")
SENDER = Sender("vinh-phuc-chair", "province_officer", "vinh-phuc")


class Busy:
    """Answers each batch, the last item of it only after some attempts; notes as whom it was asked."""

    def __init__(self, busy: int, status: Status = Status.UNAVAILABLE) -> None:
        self.busy, self.status, self.caller = busy, status, ""
        self.sent: list[tuple[str, list[str]]] = []

    def acting_as(self, subject: str, role: Any, unit: str) -> "Busy":
        self.caller = f"{subject} {role.name.lower()} {unit}"
        return self

    async def call(self, service: str, rpc: str, fields: Any, **more: Any) -> Any:
        self.sent.append((self.caller, [item.command_id for item in fields["items"]]))
        items = [contract_pb2.ItemAnswer(answer=contract_pb2.CommandAnswer(position=number)) for number in (1, 2)]
        if len(self.sent) <= self.busy:
            refusal = contract_pb2.Refusal(rule="Unavailable", status=self.status.value)
            items[-1] = contract_pb2.ItemAnswer(refusal=refusal)
        return contract_pb2.BatchAnswer(items=items)


def two(sender: Sender | None = None) -> Sample:
    steps = [step("membership", "DissolveUnit", code, unit=code, on="2024-01-01", reason="x") for code in ("a-a", "b-b")]
    return Sample([[one.by(sender) if sender else one for one in steps]], SEAL)


IDS = [str(named("command", "DissolveUnit", code)) for code in ("a-a", "b-b")]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "PAUSE_S", 0.0)


async def test_what_cannot_be_decided_just_now_is_sent_again_under_the_same_ids() -> None:
    federation = Busy(busy=2)
    assert await feed(federation, two()) == {"membership": 2}  # type: ignore[arg-type]
    assert federation.sent == [("", IDS)] * 3


async def test_what_never_can_be_decided_ends_the_feeding() -> None:
    federation = Busy(busy=10_000)
    with pytest.raises(SampleRefused, match="Unavailable"):
        await feed(federation, two())  # type: ignore[arg-type]
    assert len(federation.sent) == feeding.REPEATS


async def test_what_a_rule_refuses_is_not_sent_again() -> None:
    federation = Busy(busy=1, status=Status.FAILED_PRECONDITION)
    with pytest.raises(SampleRefused):
        await feed(federation, two())  # type: ignore[arg-type]
    assert len(federation.sent) == 1


async def test_what_an_officer_signs_is_sent_as_that_officer() -> None:
    federation = Busy(busy=0)
    await feed(federation, two(SENDER))  # type: ignore[arg-type]
    assert federation.sent == [("vinh-phuc-chair province_officer vinh-phuc", IDS)]
