"""Which figure was certified to whom, over which events? That is kept before any of them is told."""

from base64 import b64decode, b64encode
from uuid import UUID, uuid5

from audit.domain.passport.recount import Query
from audit.domain.passport.statement import Standing, Statement
from audit.events import CertifiedStanding, CutPosition, FigureCertified
from chassis.commands import Aggregate, Command
from chassis.events import Event
from chassis.fields import Code, Day, Line, Year
from chassis.refusals import AlreadyExists, Forbidden, NotFound, Unavailable

_CERTIFICATES = UUID("0f2d6a9e-61b7-5f0c-8a43-9d8be1c5b7f2")


class FigureUnknown(NotFound):
    """There is no figure of this name."""

    vi = "Không có chỉ tiêu này."
    en = "There is no such figure."


class CertificateUnknown(NotFound):
    """Only to whom a figure was certified are its events given."""

    vi = "Người gọi không có lần xác nhận này."
    en = "The caller was given no such certificate."


class CertificateExists(AlreadyExists):
    """A figure is certified once by a command."""

    vi = "Lần xác nhận này đã được ghi."
    en = "This certificate is recorded already."


class SubtreeNotOwn(Forbidden):
    """Events are more than a sum: of units that lie elsewhere today they are given to auditors alone."""

    vi = "Khi đó có đơn vị nay thuộc nơi khác; số liệu này do kiểm toán xác nhận."
    en = "Units that lie elsewhere today belonged to it then; ask an auditor for this certificate."


class CompleteForAuditors(Forbidden):
    """Every event of a service is given to auditors alone."""

    vi = "Chỉ kiểm toán được nhận mọi sự kiện của dịch vụ."
    en = "Every event of a service is given to auditors alone."


class NotYetSigned(Unavailable):
    """What was recorded up to the cut is not yet under a checkpoint."""

    vi = "Sự kiện của {service} đến vị trí {position} chưa nằm dưới mốc chốt sổ đã ký; hãy thử lại."
    en = "The events of {service} up to {position} are not under a signed checkpoint yet; repeat."


def certificate_of(command_id: UUID) -> UUID:
    """The id of the certificate that a command brings about."""
    return uuid5(_CERTIFICATES, str(command_id))


class RecordCertificate(Command):
    """Record that a figure is about to be certified. Given by this service alone, to itself.

    `unit` is where the reader's role is held.
    """

    unit: str
    reader: str
    reader_role: str
    on: Day
    reason: Line
    figure: str
    of_unit: Code
    year: Year
    as_of: Day
    cut: tuple[CutPosition, ...]
    complete: bool
    value: str | None
    contributions: int
    standing: tuple[CertifiedStanding, ...]

    @property
    def aggregate_id(self) -> UUID:
        """One a command."""
        return certificate_of(self.command_id)


def record(state: FigureCertified | None, command: RecordCertificate, _: object) -> list[Event]:
    """:raises CertificateExists:"""
    if state is not None:
        raise CertificateExists("command_id")
    told = {name: getattr(command, name) for name in FigureCertified.model_fields if name != "certificate_id"}
    return [FigureCertified(**told, certificate_id=command.aggregate_id)]


def evolve(state: FigureCertified | None, event: Event) -> FigureCertified:
    """A certificate has no more to it than that it was given."""
    assert isinstance(event, FigureCertified)
    return event


CERTIFICATE: Aggregate[FigureCertified] = Aggregate(
    "certificate", evolve, lambda certificate: certificate.unit, begins=(FigureCertified,)
)


def query_of(certificate: FigureCertified) -> Query:
    """Which figure of what it is."""
    return Query(certificate.figure, certificate.of_unit, certificate.year, certificate.as_of)


def statement_of(certificate: FigureCertified) -> Statement:
    """What is stated of a figure that was certified."""
    value = certificate.value
    return Statement(
        str(certificate.certificate_id),
        certificate.figure,
        certificate.of_unit,
        certificate.year,
        certificate.as_of,
        {one.service: one.position for one in certificate.cut},
        certificate.complete,
        value if value is None or "." in value else int(value),
        certificate.contributions,
        tuple(
            Standing(one.service, one.size, b64decode(one.root), one.events, b64decode(one.events_root))
            for one in certificate.standing
        ),
    )


def standing_told(standing: Standing) -> CertifiedStanding:
    """As an event tells it."""
    root, events_root = b64encode(standing.root).decode(), b64encode(standing.events_root).decode()
    return CertifiedStanding(
        service=standing.service, size=standing.size, root=root, events=standing.events, events_root=events_root
    )
