"""What is said of requests about personal data, of legal holds, and of erasure."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from chassis.events import Event


class DataRequestKind(StrEnum):
    """What a person may ask about its data (Law 91/2025/QH15, art. 4): see, mend, take consent back, restrict, erase."""

    ACCESS = "access"
    CORRECTION = "correction"
    WITHDRAWAL = "withdrawal"
    RESTRICTION = "restriction"
    ERASURE = "erasure"


class FieldClass(StrEnum):
    """The classes of personal data that a legal hold may keep from erasure."""

    IDENTITY = "identity"
    CONTACT = "contact"
    HARDSHIP = "hardship"
    PHOTO = "photo"


class DataRequestReceived(Event, topic="membership.data_request_received"):
    """A person asks something about its data; it is to be answered and carried out by the days that stand here."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    received_on: date
    answer_due_on: date
    carry_out_due_on: date


class DataRequestAnswered(Event, topic="membership.data_request_answered"):
    """A data request was accepted, or refused for a reason: a short reference (document, article), nothing personal."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    accepted: bool
    carry_out_due_on: date
    reason: str


class DataRequestExtended(Event, topic="membership.data_request_extended"):
    """A data request may take until a later day, once; `reason` is a short reference, nothing personal."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind
    carry_out_due_on: date
    reason: str


class DataRequestCarriedOut(Event, topic="membership.data_request_carried_out"):
    """What a person asked for was done; late when this day is after the one it was due."""

    request_id: UUID
    person_id: UUID
    kind: DataRequestKind


class LegalHoldPlaced(Event, topic="membership.legal_hold_placed"):
    """The law keeps a class of a person's data from erasure; `basis` is the article or document, `reason` a short
    reference (a case number): nothing personal."""

    hold_id: UUID
    person_id: UUID
    field_class: FieldClass
    basis: str
    reason: str


class LegalHoldLifted(Event, topic="membership.legal_hold_lifted"):
    """A legal hold ended; `reason` is a short reference, nothing personal."""

    hold_id: UUID
    person_id: UUID
    reason: str


class SubjectErased(Event, topic="membership.subject_erased"):
    """A person is erased: its keys are destroyed, and whoever follows clears what it keeps about it.

    `awaited` are the services and the branches (codes of units) that must acknowledge before a certificate is made.
    """

    person_id: UUID
    request_id: UUID
    awaited: tuple[str, ...] = ()


class ErasureAcknowledged(Event, topic="membership.erasure_acknowledged"):
    """`by`, a service or the unit of a branch, keeps nothing of an erased person any more; it had followed
    membership's history `up_to` this position."""

    person_id: UUID
    request_id: UUID
    by: str
    up_to: int


class Acknowledgement(BaseModel):
    """Who acknowledged an erasure, and when."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime


class ErasureCertified(Event, topic="membership.erasure_certified"):
    """All have acknowledged: nobody can read the sealed events of these positions, nor the person, any more."""

    person_id: UUID
    request_id: UUID
    positions: tuple[int, ...]
    key_destroyed_at: datetime
    acknowledged: tuple[Acknowledgement, ...]
