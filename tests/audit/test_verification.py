"""Is a verification kept as it was reported, once, and told to no province?"""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from audit.domain import verification
from audit.domain.verification import VERIFICATION, RecordVerification, VerificationExists, verification_of
from audit.events import HistoryVerified, VerifiedPart
from chassis.commands import parse
from chassis.refusals import Invalid
from tests.given import given

ID = UUID(int=7)
KEY = f"congdoan-ledger+1a2b3c4d+{'A' * 44}"
PART = VerifiedPart(service="membership", after=0, upto=1250, covered=1248, bad_after=1200, bad_upto=1248)
FIELDS: dict[str, Any] = {
    "command_id": ID, "unit": "", "reader": "auditor-1", "reader_role": "auditor", "on": date(2026, 11, 22), "source": "store",
    "whole": False, "key": KEY, "witnesses": 1, "signed_by": ("ha-noi",), "parts": (PART,),
}  # fmt: skip
TOLD = HistoryVerified(verification_id=verification_of(ID), **{k: v for k, v in FIELDS.items() if k != "command_id"})


def test_a_verification_is_kept_as_it_was_reported_and_once() -> None:
    command = parse(RecordVerification, FIELDS)
    given(VERIFICATION).when(verification.record, command).then(TOLD)
    given(VERIFICATION, TOLD).when(verification.record, command).refused(VerificationExists)
    assert TOLD.placed_by == (), "no province is told who verified what"


@pytest.mark.parametrize(
    "changed", [{"parts": ()}, {"source": "elsewhere"}, {"key": "none"}, {"witnesses": -1}, {"parts": (PART,) * 21}]
)
def test_a_report_of_another_form_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse(RecordVerification, {**FIELDS, **changed})
