"""A passport checked by docs/passport.md alone: as somebody in another house would write it, with nothing of ours.

It counts no figure: what an event means stands in the dictionary of events, and counting is a house of its own.
"""

import json
import struct
from base64 import b64decode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def documents(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """What each line says, its digest being right."""
    before = bytes(32)
    for line in lines:
        content, separator, digest = line.rpartition(b',"sha256":"')
        before = sha256(before + content).digest()
        assert separator
        assert digest == before.hex().encode() + b'"}\n'
        yield json.loads(content + b"}")


def text_signed(note: str, key: str) -> list[str]:
    """The lines of a note that the key signed."""
    text, _, signatures = note.rpartition("\n\n")
    name, _, public = key.split("+", 2)
    told = b64decode(public)[1:]
    key_id = sha256(name.encode() + b"\n\1" + told).digest()[:4]
    mine = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    (signature,) = [found[4:] for found in map(b64decode, mine) if found[:4] == key_id]
    Ed25519PublicKey.from_public_bytes(told).verify(signature, f"{text}\n".encode())
    return text.split("\n")


def leaf(event: dict[str, Any]) -> bytes:
    """The hash that stands for an event."""

    def sized(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    recorded = datetime.strptime(event["recorded_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    microseconds = (recorded - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return sha256(
        b"\0"
        + sized(event["service"].encode())
        + struct.pack(">Q", event["position"])
        + UUID(event["aggregate_id"]).bytes
        + struct.pack(">I", event["version"])
        + sized(event["topic"].encode())
        + sized(event["branch"].encode())
        + struct.pack(">Qq", event["branch_position"], microseconds)
        + sized(event["metadata"].encode())
        + sized(event["body"].encode())
    ).digest()


def root_of(leaves: list[bytes]) -> bytes:
    """The root of RFC 6962 (2.1) over some leaves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def inclusion_proofs(lines: Iterable[bytes], key: str) -> dict[str, Any]:
    """The statement of a passport in which each event stands where it is said to stand, and no other is."""
    told = documents(lines)
    origin, statement = text_signed(next(told)["note"], key)
    assert origin == "congdoan-passport"
    stated: dict[str, Any] = json.loads(statement)
    for standing in stated["standing"]:
        service, size, root, _ = text_signed(next(told)["checkpoint"], key)
        assert [service, int(size), root] == [f"congdoan/{standing['service']}", standing["size"], standing["root"]]
    shown: dict[str, list[bytes]] = {standing["service"]: [] for standing in stated["standing"]}
    known = {one["service"]: {(0, one["size"]): b64decode(one["root"])} for one in stated["standing"]}
    count = 1 + len(shown)
    for document in told:
        if "end" in document:
            assert document["end"] == count
            break
        count += 1
        event, way = document["event"], [b64decode(both) for both in document["way"]]
        nodes, index = known[event["service"]], event["position"] - 1
        start, end = 0, stated["standing"][list(shown).index(event["service"])]["size"]
        while end - start > 1:
            half = start + (1 << (end - start - 1).bit_length() - 1)
            if (start, half) not in nodes:
                both = way.pop(0)
                assert sha256(b"\1" + both).digest() == nodes[start, end]
                nodes[start, half], nodes[half, end] = both[:32], both[32:]
            start, end = (start, half) if index < half else (half, end)
        assert not way
        assert nodes[start, end] == leaf(event)
        assert event["position"] <= stated["cut"][event["service"]]
        shown[event["service"]].append(leaf(event))
    assert next(told, None) is None
    for standing in stated["standing"]:
        leaves = shown[standing["service"]]
        assert (len(leaves), root_of(leaves)) == (standing["events"], b64decode(standing["events_root"]))
    return stated
