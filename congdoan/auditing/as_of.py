"""What was true on a day, by what had been recorded at a cut? Asked of audit; lists page by page at one cut."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf.message import Message

from chassis.service import LOCAL_TIME
from congdoan.clients import Federation

PAGE = 1_000
ANSWERED_WITHIN_S = 60.0
Choice = Mapping[str, str]
"""The fields of a choice of a cut; that of now when all are empty."""


class NoMoment(Exception):
    """What was given is neither a day nor a time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """On which clocks something is asked: the day on which it was true, and the cut by which it was recorded."""

    as_of: date
    cut: Choice

    def of(self, **fields: object) -> dict[str, object]:
        """The fields of a request about something."""
        return {"as_of": self.as_of, "cut": self.cut, **fields}


def choice_of(cut: str, recorded_by: str) -> Choice:
    """A cut by its name or its line, or by time.

    :raises NoMoment: the time is none.
    """
    chosen = {"recorded_by": moment_of(recorded_by)} if recorded_by else {"vector" if ":" in cut else "name": cut}
    return {"name": "", "vector": "", "recorded_by": "", **chosen}


def moment_of(text: str) -> str:
    """A time as RFC 3339 has it: the end of a day in Viet Nam, or a time, which is Viet Nam's unless it says otherwise.

    :raises NoMoment: it is neither.
    """
    try:
        if len(text) <= len("2024-12-31"):
            following = datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), LOCAL_TIME)
            return (following - timedelta(microseconds=1)).isoformat()
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise NoMoment(text) from None
    return (at if at.tzinfo else at.replace(tzinfo=LOCAL_TIME)).isoformat()


async def name_cut(federation: Federation, name: str, cut: Choice) -> dict[str, Any]:
    """Give a cut a name.

    :raises Refused: audit, or gRPC, refuses; so do all of these.
    """
    request = {"command_id": uuid4(), "name": name, "cut": cut}
    return document_of(await federation.call("audit", "NameCut", request, timeout_s=ANSWERED_WITHIN_S))


async def cut_of(federation: Federation, cut: Choice) -> dict[str, Any]:
    """A cut, whichever way it is asked for."""
    return document_of(await federation.call("audit", "GetCut", {"cut": cut}, timeout_s=ANSWERED_WITHIN_S))


async def cuts(federation: Federation) -> list[dict[str, Any]]:
    """Every named cut, the last named first."""
    return [document_of(cut) async for answer in _pages(federation, "ListCuts", {}) for cut in answer.cuts]


async def summary(federation: Federation, unit: str, year: int, asked: Asked) -> dict[str, Any]:
    """The figures of a unit's year."""
    request = asked.of(unit=unit, year=year)
    answer = await federation.call("audit", "GetFiguresAsOf", request, timeout_s=ANSWERED_WITHIN_S)
    figures = {one.name: {"value": _value(one), "events": one.events} for one in answer.figures}
    return {"unit": unit, "year": year, "as_of": answer.as_of, "cut": answer.cut, "figures": figures}


async def one(federation: Federation, rpc: str, asked: Asked, **about: object) -> dict[str, Any]:
    """A member or a campaign."""
    return document_of(await federation.call("audit", rpc, asked.of(**about), timeout_s=ANSWERED_WITHIN_S))


async def tree(federation: Federation, unit: str, dissolved: bool, asked: Asked) -> dict[str, Any]:
    """The units under a unit."""
    return await _whole(federation, "GetUnitTreeAsOf", "units", asked.of(unit=unit, dissolved=dissolved))


async def awards(federation: Federation, unit: str, year: int, asked: Asked) -> dict[str, Any]:
    """The award register of a unit's year."""
    return await _whole(federation, "ListAwardsAsOf", "awards", asked.of(unit=unit, year=year))


async def _whole(federation: Federation, rpc: str, field: str, request: Mapping[str, object]) -> dict[str, Any]:
    """All pages of a list in one document."""
    found: dict[str, Any] = {}
    async for answer in _pages(federation, rpc, request):
        document = document_of(answer)
        del document["next"]
        found = {**document, field: [*found.get(field, ()), *document[field]]}
    return found


async def _pages(federation: Federation, rpc: str, request: Mapping[str, object]) -> AsyncIterator[Any]:
    """The pages of a list; where it is asked at a cut, all of them at that of the first."""
    after, asked = "", dict(request)
    while True:
        page = {"size": PAGE, "after": after}
        answer = await federation.call("audit", rpc, {**asked, "page": page}, timeout_s=ANSWERED_WITHIN_S)
        yield answer
        after = answer.next
        if not after:
            return
        if "cut" in asked:
            asked["cut"] = choice_of(answer.cut, "")


def document_of(message: Message) -> dict[str, Any]:
    """A message as JSON knows it: every field that may not be unset, by its name."""
    return {
        field.name: _plain(getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return document_of(value)
    return value if isinstance(value, str | int | bool) else [_plain(item) for item in value]


def _value(figure: Any) -> int | str | None:
    kind = figure.WhichOneof("value")
    return getattr(figure, kind) if kind else None
