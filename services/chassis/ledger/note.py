"""Who signed a text? A note: lines of text, an empty line, lines of signatures (c2sp.org/signed-note).

::

    congdoan/membership
    1250
    qRkx…=                              the root, base64
    time 2026-11-22T07:52:12Z
                                        an empty line
    — congdoan-ledger 3pk9…=            base64(key id || Ed25519 signature of the text, its last newline included)

The key id is ``SHA-256(name || 0x0A || 0x01 || public key)[:4]``. A public key is told as ``name+key id+key``, the id in
hexadecimal and the key as ``base64(0x01 || public key)``. A note may bear signatures of others too, by keys that are not
asked for: they are passed over.
"""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from chassis.ledger.merkle import HASH_BYTES

ORIGIN = "congdoan"
ED25519 = b"\1"
ID_BYTES = 4
KEY_BYTES = 32
PRIVATE = "PRIVATE+KEY+"
MAX_NOTE_BYTES = 16 * 1024

_KEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_SIGNATURE = re.compile("— ([^ +\n]+) ([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"[1-9][0-9]{0,18}")
_TIME = re.compile(r"time (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


class NoteUnreadable(ValueError):
    """It is no note, no checkpoint, or no public key; the message tells what is wrong and no content."""


class NotSigned(ValueError):
    """The note has no signature of the key that is trusted, or one that is not of this text."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that is trusted, with the name it signs under."""

    name: str
    public: bytes

    @classmethod
    def read(cls, text: str) -> "Verifier":
        """The key of its told form.

        :raises NoteUnreadable: it is none, or its id is that of another key.
        """
        name, key_id, data = _told(text.strip())
        found = cls(name, data)
        if found.key_id != key_id:
            raise NoteUnreadable("the id of the public key is that of another")
        return found

    @property
    def key_id(self) -> bytes:
        """By which a signature says which key made it."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encoded(ED25519 + self.public)}"

    def open(self, note: bytes) -> str:
        """The text of a note that this key signed.

        :raises NoteUnreadable: it is no note; :raises NotSigned: the key did not sign it.
        """
        text, signatures = _parted(note)
        for name, signature in signatures:
            if name == self.name and signature[:ID_BYTES] == self.key_id:
                try:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(signature[ID_BYTES:], text.encode())
                except InvalidSignature:
                    raise NotSigned("the signature is not of this text") from None
                return text
        raise NotSigned(f"there is no signature of {self.name}")


class Signer:
    """A private key, with the name it signs under; no repr tells it.

    :param private: 32 bytes.
    """

    def __init__(self, name: str, private: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def read(cls, text: str) -> "Signer":
        """The key of its told form, ``PRIVATE+KEY+name+id+key``.

        :raises NoteUnreadable: it is none, or its id is that of another key.
        """
        name, key_id, data = _told(text.strip().removeprefix(PRIVATE))
        if not text.startswith(PRIVATE):
            raise NoteUnreadable("a private key is told as PRIVATE+KEY+name+id+key")
        found = cls(name, data)
        if found.verifier.key_id != key_id:
            raise NoteUnreadable("the id of the private key is that of another")
        return found

    def told(self) -> str:
        """The private key as it is kept; a secret."""
        return f"{PRIVATE}{self.verifier.name}+{self.verifier.key_id.hex()}+{_encoded(ED25519 + self._key.private_bytes_raw())}"

    def sign(self, text: str) -> bytes:
        """The note of a text, whose every line ends with a newline."""
        signature = _encoded(self.verifier.key_id + self._key.sign(text.encode()))
        return f"{text}\n— {self.verifier.name} {signature}\n".encode()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a ledger says of itself: so many events of a service, under this root, at this time (UTC, whole seconds)."""

    service: str
    size: int
    root: bytes
    at: datetime

    @property
    def text(self) -> str:
        """As it is signed."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{ORIGIN}/{self.service}\n{self.size}\n{_encoded(self.root)}\ntime {at}\n"

    @classmethod
    def read(cls, text: str) -> "Checkpoint":
        """The checkpoint of a text; further lines are passed over, as c2sp.org/tlog-checkpoint wants it.

        :raises NoteUnreadable: it is none.
        """
        lines = text.split("\n")
        if len(lines) < 5 or lines[-1]:
            raise NoteUnreadable("a checkpoint has four lines")
        origin, _, service = lines[0].partition("/")
        at, root = _TIME.fullmatch(lines[3]), _decoded(lines[2])
        if origin != ORIGIN or not service or not _SIZE.fullmatch(lines[1]) or len(root) != HASH_BYTES or not at:
            raise NoteUnreadable("the lines of a checkpoint are origin, size, root and time")
        try:
            return cls(service, int(lines[1]), root, datetime.fromisoformat(at[1]))
        except ValueError:
            raise NoteUnreadable("the time of the checkpoint is none") from None


def text_of(note: bytes) -> str:
    """The text of a note, whoever signed it.

    :raises NoteUnreadable: it is no note.
    """
    return _parted(note)[0]


def hashes_told(hashes: list[bytes]) -> str:
    """Hashes as a header tells them: base64, separated by commas."""
    return ",".join(map(_encoded, hashes))


def hashes_read(text: str) -> list[bytes]:
    """The hashes of a header.

    :raises NoteUnreadable: there is something else in it.
    """
    found = [_decoded(part) for part in text.split(",")] if text else []
    if any(len(part) != HASH_BYTES for part in found):
        raise NoteUnreadable(f"each hash has {HASH_BYTES} bytes")
    return found


def _parted(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text with its last newline, and every signature with its name: one line that is none, and it is no note."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteUnreadable("the note is too long")
    try:
        whole = note.decode()
    except UnicodeDecodeError:
        raise NoteUnreadable("the note is not UTF-8") from None
    text, empty, signatures = whole.rpartition("\n\n")
    if not empty or not text or not signatures.endswith("\n") or any(ord(sign) < 32 and sign != "\n" for sign in whole):
        raise NoteUnreadable("a note is text, an empty line and signatures")
    return f"{text}\n", [_signature(line) for line in signatures[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes]:
    found = _SIGNATURE.fullmatch(line)
    if not found:
        raise NoteUnreadable("a line of a signature is — name signature")
    return found[1], _decoded(found[2])


def _told(key: str) -> tuple[str, bytes, bytes]:
    """Name, id and the 32 bytes of a key."""
    found = _KEY.fullmatch(key)
    data = _decoded(found[3]) if found else b""
    if not found or data[:1] != ED25519 or len(data) != 1 + KEY_BYTES:
        raise NoteUnreadable("a key is told as name+id+key, for Ed25519")
    return found[1], bytes.fromhex(found[2]), data[1:]


def _encoded(data: bytes) -> str:
    return b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """:raises NoteUnreadable: it is not base64, or not as it is written by all."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise NoteUnreadable("something is not base64") from None
    if _encoded(data) != text:
        raise NoteUnreadable("something is not base64 as it must be")
    return data
