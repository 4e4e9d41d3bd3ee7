"""What do the histories of requests, holds and erasures leave in the rows that answer about them?"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson

from chassis.events import Event
from chassis.read_models import ReadModel
from chassis.recorded import Actor, Metadata, RecordedEvent
from membership.domain.erasure import outstanding
from membership.events import Acknowledgement, ErasureCertified, LegalHoldLifted
from membership.read_models.data_requests import DATA_REQUESTS
from membership.read_models.erasures import ERASURES
from membership.read_models.legal_holds import LEGAL_HOLDS
from tests.membership.a_data_request import (
    AWAITED,
    BRANCH,
    HOLD,
    PERSON,
    REQUEST,
    acknowledged,
    answered,
    done,
    erased,
    extended,
    held,
    received,
)

AT = datetime(2026, 3, 6, 4, tzinfo=UTC)


def row_of(model: ReadModel[Any], *history: Event) -> Any:
    rows: dict[Any, Any] = {}
    for position, event in enumerate(history, 1):
        model.apply(rows, recorded(event, position))
    (row,) = rows.values()
    return row


def recorded(event: Event, position: int) -> RecordedEvent:
    said = Metadata(event.unit, event.on, Actor("x", "service", ""), None, "", "").encode()
    aggregate = UUID(int=9)
    return RecordedEvent("membership", position, aggregate, position, event.topic, event.encode(), said, BRANCH, position, AT)


def standing(*history: Event) -> tuple[str, date | None]:
    row = row_of(DATA_REQUESTS, *history)
    return row.status, row.due_on


def test_a_request_is_due_to_be_answered_then_to_be_carried_out_and_then_no_more() -> None:
    later = extended(date(2026, 4, 1))
    histories: Sequence[tuple[Event, ...]] = (
        (received(),),
        (received(), answered()),
        (received(), answered(), later),
        (received(), answered(), later, done()),
        (received(), answered(accepted=False, reason="x")),
    )
    assert [standing(*history) for history in histories] == [
        ("received", date(2026, 3, 4)),
        ("accepted", date(2026, 3, 17)),
        ("accepted", date(2026, 4, 1)),
        ("carried_out", None),
        ("refused", None),
    ]


def test_reasons_stay_with_the_request() -> None:
    row = row_of(DATA_REQUESTS, received(), answered(reason="Điều 4"), extended(date(2026, 4, 1)))
    assert (row.answer_reason, row.extension_reason) == ("Điều 4", "Công văn 7/CV-CĐCS")


def test_a_hold_that_was_lifted_is_still_told() -> None:
    lifted = LegalHoldLifted(unit="so-y-te", on=date(2026, 3, 9), hold_id=HOLD, person_id=PERSON, reason="Bản án 3")
    before, after = row_of(LEGAL_HOLDS, held()), row_of(LEGAL_HOLDS, held(), lifted)
    assert (before.field_class, before.placed_on, before.lifted_on) == ("identity", date(2026, 3, 3), None)
    assert (after.basis, after.lifted_on, after.lift_reason) == (before.basis, date(2026, 3, 9), "Bản án 3")


def test_an_erasure_knows_who_is_silent_until_it_is_certified() -> None:
    row = row_of(ERASURES, erased(), acknowledged("audit"), acknowledged(BRANCH))
    assert row.acknowledgements == (Acknowledgement(by="audit", at=AT), Acknowledgement(by=BRANCH, at=AT))
    assert outstanding(row.awaited_names, [one.by for one in row.acknowledgements]) == ["awards", "notifications", "welfare"]
    assert (row.request_id, row.erased_on, row.position, row.certified_on) == (REQUEST, date(2026, 3, 5), 1, None)


def test_a_certificate_is_kept_whole() -> None:
    certified = ErasureCertified(
        unit="so-y-te",
        on=date(2026, 3, 9),
        person_id=PERSON,
        request_id=REQUEST,
        positions=(3, 9),
        key_destroyed_at=AT,
        acknowledged=tuple(Acknowledgement(by=by, at=AT) for by in AWAITED),
    )
    row = row_of(ERASURES, erased(), *(acknowledged(by) for by in AWAITED), certified)
    assert (row.certified_on, row.certified_at, row.key_destroyed_at) == (date(2026, 3, 9), AT, AT)
    assert orjson.loads(row.positions) == [3, 9]
    assert row.acknowledgements == certified.acknowledged
