"""May a checkpoint of the ledger follow on those that are kept? Word by word as docs/decisions/0017 says it; pure.

A checkpoint is a signed note: origin, number of events, root of their tree (RFC 6962), time; an empty line; signatures.
"""

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey


def accepted(service: str, note: bytes, headers: Mapping[str, str], key: str, kept: Mapping[int, bytes]) -> tuple[int, bytes]:
    """The size and root to keep; they may be kept already.

    `key` is the ledger's (``name+id+key``), `kept` the roots by size of the last checkpoint kept, and of this size if one is.

    :raises ValueError: nobody may pass over this checkpoint.
    """
    try:
        origin, number, told, time, *_ = signed_text(note.decode(), key).split("\n")
        size, root, previous = int(number), hash_of(told), int(headers["ledger-previous-size"])
        proof = [hash_of(part) for part in headers["ledger-consistency"].split(",") if part]
        if size < 1 or not time.startswith("time "):
            raise ValueError("no size, or no time")
    except (CryptoError, LookupError, ValueError) as error:
        raise ValueError(f"it is not signed by the ledger, or no checkpoint: {error!r}") from error
    last = max(kept, default=0)
    if origin != f"congdoan/{service}":
        raise ValueError(f"it is a checkpoint of {origin}")
    if size in kept and kept[size] != root:
        raise ValueError(f"another root is kept of the first {size} events: two histories were signed")
    if size not in kept and (previous != last or size < last):
        raise ValueError(f"{size} events go on from {previous}, and the last that are kept are {last}")
    if size not in kept and not goes_on(last, kept.get(last, b""), size, root, proof):
        raise ValueError(f"the first {last} of these {size} events are not those that are kept: history was rewritten")
    return size, root


def size_of(note: bytes) -> int:
    """The size that a note says, whoever wrote it; 0 when it says none."""
    line = note.split(b"\n")[1:2]
    return int(line[0]) if line and line[0].isdigit() and len(line[0]) < 16 else 0


def hash_of(text: str) -> bytes:
    """A hash in base64. :raises ValueError: it has not 32 bytes: then it could hold a part of another."""
    if len(data := b64decode(text, validate=True)) != 32:
        raise ValueError("no hash")
    return data


def signed_text(note: str, key: str) -> str:
    """The text of a note that a key signed."""
    text, _, signatures = note.rpartition("\n\n")
    name, key_id, public = key.split("+", 2)
    found = [b64decode(line.split(" ")[2]) for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    signature = next((data[4:] for data in found if data[:4].hex() == key_id), b"")
    VerifyKey(b64decode(public)[1:]).verify(f"{text}\n".encode(), signature)
    return text


def goes_on(before: int, before_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether a tree begins with a smaller one (RFC 6962, 2.1.2)."""
    rest = list(proof)
    try:
        return (before == 0 or roots(before, size, before_root, rest) == (before_root, root)) and not rest
    except IndexError:
        return False


def roots(before: int, size: int, kept: bytes | None, rest: list[bytes]) -> tuple[bytes, bytes]:
    """The roots of the first `before` and of all `size` events, as a proof shows them; it is used up from its end."""
    if before == size:
        return (root := kept or rest.pop(), root)
    half, part = 1 << (size - 1).bit_length() - 1, rest.pop()
    if before <= half:
        old, new = roots(before, half, kept, rest)
        return old, sha256(b"\1" + new + part).digest()
    old, new = roots(before - half, size - half, None, rest)
    return sha256(b"\1" + part + old).digest(), sha256(b"\1" + part + new).digest()
