"""Through which channels may a unit or a member be reached?"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from chassis.hierarchy import Node, UnitUnknown
from notifications.domain import channel_preference as preference
from notifications.domain.channel_preference import CHANNEL_PREFERENCE
from notifications.domain.recipient import Circumstances, MemberNotActive, RecipientUnclear
from notifications.events import Channel, ChannelPreferenceSet, RecipientKind
from tests.given import given

WHO, ON = UUID(int=41), date(2025, 3, 1)
BA_DINH = Node("ba-dinh", "CĐCS Ba Đình", "grassroots", 3, False, date(2010, 1, 1), None, "[]", "[]", 1)
AROUND = Circumstances(datetime(2025, 3, 1, tzinfo=UTC), {"ba-dinh": BA_DINH}, {WHO: "ba-dinh"})


def choice(**fields: Any) -> preference.SetChannelPreference:
    return preference.SetChannelPreference.model_validate(
        {"command_id": uuid4(), "channel": "email", "open": True, "on": ON, **fields}
    )


def chosen(*, open: bool = True, office_address: str = "", kind: RecipientKind = RecipientKind.UNIT, who: str = "ba-dinh") -> Any:
    return ChannelPreferenceSet(
        unit="ba-dinh", on=ON, recipient_kind=kind, recipient=who, channel=Channel.EMAIL, open=open, office_address=office_address
    )


OFFICE = "vanphong@badinh.example"


def test_mail_is_opened_for_a_unit_at_the_address_of_its_office() -> None:
    opened = given(CHANNEL_PREFERENCE).when(preference.choose, choice(unit="ba-dinh", office_address=OFFICE), AROUND)
    assert opened.then(chosen(office_address=OFFICE)).office_address == OFFICE
    given(CHANNEL_PREFERENCE).when(preference.choose, choice(unit="ba-dinh"), AROUND).refused(
        preference.AddressMissing, "office_address"
    )


def test_mail_is_opened_for_a_member_whose_address_stays_with_membership() -> None:
    expected = chosen(kind=RecipientKind.MEMBER, who=str(WHO))
    given(CHANNEL_PREFERENCE).when(preference.choose, choice(member_id=WHO), AROUND).then(expected)
    with_address = choice(member_id=WHO, office_address=OFFICE)
    given(CHANNEL_PREFERENCE).when(preference.choose, with_address, AROUND).refused(preference.AddressOfAPerson, "office_address")


def test_the_inbox_cannot_be_opened_or_closed() -> None:
    for open_ in (True, False):
        inbox = choice(unit="ba-dinh", channel="in_app", open=open_)
        given(CHANNEL_PREFERENCE).when(preference.choose, inbox, AROUND).refused(preference.InboxAlwaysOpen, "channel")


def test_what_is_as_it_was_is_not_recorded_and_mail_is_closed_until_it_is_opened() -> None:
    close = choice(unit="ba-dinh", open=False)
    given(CHANNEL_PREFERENCE).when(preference.choose, close, AROUND).refused(preference.PreferenceUnchanged, "open")
    opened = chosen(office_address=OFFICE)
    same = choice(unit="ba-dinh", office_address=OFFICE)
    given(CHANNEL_PREFERENCE, opened).when(preference.choose, same, AROUND).refused(preference.PreferenceUnchanged)
    given(CHANNEL_PREFERENCE, opened).when(preference.choose, close, AROUND).then(chosen(open=False))
    moved = choice(unit="ba-dinh", office_address="congdoan@badinh.example")
    given(CHANNEL_PREFERENCE, opened).when(preference.choose, moved, AROUND).then(
        chosen(office_address="congdoan@badinh.example")
    )


def test_a_preference_belongs_to_one_known_recipient_and_channel() -> None:
    for wrong in (choice(), choice(unit="ba-dinh", member_id=WHO)):
        given(CHANNEL_PREFERENCE).when(preference.choose, wrong, AROUND).refused(RecipientUnclear, "unit")
    given(CHANNEL_PREFERENCE).when(preference.choose, choice(unit="nowhere"), AROUND).refused(UnitUnknown, "unit")
    given(CHANNEL_PREFERENCE).when(preference.choose, choice(member_id=uuid4()), AROUND).refused(MemberNotActive, "member_id")
    assert choice(unit="ba-dinh").aggregate_id != choice(member_id=WHO).aggregate_id
    assert choice(unit="ba-dinh").aggregate_id != choice(unit="ba-dinh", channel="in_app").aggregate_id


@pytest.mark.parametrize("address", ["no-at", "a@b", "a b@c.vn", "ă@c.vn", "a@c.vn\nBcc: x@y.vn", "a@b@c.vn,"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        choice(unit="ba-dinh", office_address=address)
