"""May a checkpoint follow on those that a witness keeps? It keeps every one, and refuses loudly what contradicts them.

    LedgerRefused                 the checkpoint is not kept, and somebody must look
    ├── SignatureWrong            the ledger's key did not sign it
    ├── CheckpointUnreadable      it is no checkpoint of the service under whose subject it came
    ├── CheckpointContradicts     another root was kept for the same size
    ├── CheckpointGoesBack        it is smaller than the last one kept, or goes on from an earlier one
    ├── CheckpointMissing         it goes on from one that was never received
    └── ConsistencyBroken         its tree does not begin with the tree that was kept

How, word by word: ``docs/decisions/0017``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from chassis.ledger.merkle import EMPTY_ROOT, goes_on
from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Verifier, hashes_read
from chassis.refusals import Refusal

PREVIOUS_SIZE = "ledger-previous-size"
CONSISTENCY = "ledger-consistency"


class LedgerRefused(Refusal):
    """A checkpoint is not kept; `facts` hold the service and sizes."""

    vi: ClassVar[str] = "Sổ cái {service}: mốc chốt sổ bị từ chối."
    en: ClassVar[str] = "Ledger of {service}: the checkpoint is refused."


class SignatureWrong(LedgerRefused):
    """The ledger's key did not sign it."""

    vi = "Sổ cái {service}: mốc chốt sổ không có chữ ký đúng của khoá sổ cái."
    en = "Ledger of {service}: the checkpoint bears no right signature of the ledger's key."


class CheckpointUnreadable(LedgerRefused):
    """It is no checkpoint of this service."""

    vi = "Sổ cái {service}: thông điệp không phải là mốc chốt sổ của dịch vụ này."
    en = "Ledger of {service}: the message is no checkpoint of this service."


class CheckpointContradicts(LedgerRefused):
    """Another root was kept for the same size: two histories were signed."""

    vi = "Sổ cái {service}: mốc chốt {size} mâu thuẫn với mốc đã lưu cùng kích thước; lịch sử đã bị viết lại."
    en = "Ledger of {service}: checkpoint {size} contradicts the one kept of the same size; the history was rewritten."


class CheckpointGoesBack(LedgerRefused):
    """It is smaller than the last one kept, or goes on from an earlier one, and was never kept."""

    vi = "Sổ cái {service}: mốc chốt {size} lùi lại trước mốc {kept} đã lưu; lịch sử đã bị cắt bớt hoặc viết lại."
    en = "Ledger of {service}: checkpoint {size} goes back behind {kept}, which is kept; the history was cut or rewritten."


class CheckpointMissing(LedgerRefused):
    """It goes on from one that was never received."""

    vi = "Sổ cái {service}: mốc chốt {size} nối tiếp mốc {previous} chưa từng nhận; mốc cuối đã lưu là {kept}."
    en = "Ledger of {service}: checkpoint {size} goes on from {previous}, never received; the last one kept is {kept}."


class ConsistencyBroken(LedgerRefused):
    """Its tree does not begin with the tree that was kept."""

    vi = "Sổ cái {service}: bằng chứng nối từ mốc {kept} đến mốc {size} không đúng; lịch sử đã bị viết lại."
    en = "Ledger of {service}: the proof from {kept} to {size} does not hold; the history was rewritten."


def nothing_kept(size: int) -> bytes | None:
    """Of a witness that keeps only the last checkpoint."""
    return None


@dataclass(frozen=True, slots=True)
class Witness:
    """The last checkpoint kept of a service; size 0 before the first."""

    service: str
    size: int = 0
    root: bytes = EMPTY_ROOT

    def accept(
        self,
        note: bytes,
        headers: Mapping[str, str] | None,
        verifier: Verifier,
        kept: Callable[[int], bytes | None] = nothing_kept,
    ) -> "Witness":
        """The witness after a checkpoint; the same one when it was kept before, however often it comes.

        :param note: body of the message on the subject of this service.
        :param kept: the root kept for an earlier size, None when none was.
        :raises LedgerRefused: it must not be kept; nothing after it either.
        """
        found = self._opened(note, verifier)
        known = self.root if found.size == self.size else kept(found.size)
        if known is not None:
            if known != found.root:
                raise CheckpointContradicts(service=self.service, size=found.size)
            return self
        previous, proof = self._links(headers or {})
        facts = {"service": self.service, "size": found.size, "kept": self.size}
        if found.size < self.size or previous < self.size:
            raise CheckpointGoesBack("", **facts)
        if previous > self.size:
            raise CheckpointMissing("", previous=previous, **facts)
        if not goes_on(self.size, self.root, found.size, found.root, proof):
            raise ConsistencyBroken("", **facts)
        return Witness(self.service, found.size, found.root)

    def _opened(self, note: bytes, verifier: Verifier) -> Checkpoint:
        try:
            found = Checkpoint.read(verifier.open(note))
        except NotSigned:
            raise SignatureWrong(service=self.service) from None
        except NoteUnreadable:
            raise CheckpointUnreadable(service=self.service) from None
        if found.service != self.service:
            raise CheckpointUnreadable(service=self.service)
        return found

    def _links(self, headers: Mapping[str, str]) -> tuple[int, list[bytes]]:
        told = headers.get(PREVIOUS_SIZE, "")
        try:
            if not told.isascii() or not told.isdecimal():
                raise NoteUnreadable("the size before is a number")
            return int(told), hashes_read(headers.get(CONSISTENCY, ""))
        except NoteUnreadable:
            raise CheckpointUnreadable(service=self.service) from None
