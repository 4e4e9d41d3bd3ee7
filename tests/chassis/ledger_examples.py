"""Which checkpoints does a witness keep, and which does it refuse? Worked examples, for clients in every language.

``python -m tests.chassis.ledger_examples`` writes them to ``ledger_vectors.json`` beside this file.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chassis.ledger.merkle import Place, consistency_proof, leaf_hash, node_hash, root
from chassis.ledger.note import Checkpoint, Signer, hashes_told
from chassis.ledger.witness import CONSISTENCY, PREVIOUS_SIZE

FILE = Path(__file__).with_name("ledger_vectors.json")
ENTRIES = tuple(
    bytes.fromhex(entry)
    for entry in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
)
"""Of the test vectors of RFC 6962's authors."""
SEED, OTHER_SEED = bytes(range(32)), bytes(range(1, 33))
SERVICE = "membership"
SIZES = (3, 7, 8)
BEGAN = datetime(2026, 1, 1, 8, tzinfo=UTC)

Message = dict[str, Any]


def node(leaves: Sequence[bytes], place: Place) -> bytes:
    """The hash of a complete subtree, by the definition."""
    level, index = place
    if level == 0:
        return leaves[index]
    return node_hash(node(leaves, (level - 1, 2 * index)), node(leaves, (level - 1, 2 * index + 1)))


def message(
    entries: Sequence[bytes],
    previous: int,
    size: int,
    *,
    seed: bytes = SEED,
    name: str = "congdoan-ledger",
    service: str = SERVICE,
) -> Message:
    """A checkpoint of some entries as it comes over the stream."""
    leaves = [leaf_hash(entry) for entry in entries]

    def nodes(place: Place) -> bytes:
        return node(leaves, place)

    checkpoint = Checkpoint(service, size, root(nodes, size), BEGAN + timedelta(minutes=size))
    return {
        "subject": f"federation.ledger.{SERVICE}.checkpoint",
        "headers": {
            PREVIOUS_SIZE: str(previous),
            CONSISTENCY: hashes_told(consistency_proof(nodes, min(previous, size), size)),
        },
        "note": Signer(name, seed).sign(checkpoint.text).decode(),
    }


def changed(one: Message, **headers: str) -> Message:
    """A message with other headers; a hyphen is written as an underscore."""
    return {**one, "headers": {**one["headers"], **{name.replace("_", "-"): value for name, value in headers.items()}}}


def vectors() -> Message:
    """All of it: what is kept in order, and what is refused after so many of these were kept, with the rule."""
    rewritten = [*ENTRIES[:2], b"something else", *ENTRIES[3:]]
    accepted = [message(ENTRIES, previous, size) for previous, size in zip((0, *SIZES), SIZES, strict=False)]
    third, late = accepted[2], message(ENTRIES, 3, 5)
    forged = {**third, "note": third["note"].replace("\n8\n", "\n9\n")}
    proof = third["headers"][CONSISTENCY]
    cosigned = third["note"] + message(ENTRIES, 7, 8, seed=OTHER_SEED, name="witness")["note"].rpartition("\n\n")[2]
    refused: list[tuple[int, str, Message]] = [
        (2, "SignatureWrong", forged),
        (2, "SignatureWrong", message(ENTRIES, 7, 8, seed=OTHER_SEED)),
        (2, "SignatureWrong", message(ENTRIES, 7, 8, seed=OTHER_SEED, name="another")),
        (2, "CheckpointUnreadable", message(ENTRIES, 7, 8, service="welfare")),
        (2, "CheckpointUnreadable", {**third, "note": "no note"}),
        (2, "CheckpointUnreadable", changed(third, ledger_previous_size="")),
        (2, "CheckpointUnreadable", changed(third, ledger_consistency="AAAA")),
        (2, "CheckpointContradicts", message(rewritten, 3, 7)),
        (2, "CheckpointContradicts", message(rewritten, 0, 3)),
        (2, "CheckpointGoesBack", late),
        (2, "CheckpointGoesBack", message(ENTRIES, 3, 8)),
        (1, "CheckpointMissing", third),
        (0, "CheckpointMissing", accepted[1]),
        (2, "ConsistencyBroken", message(rewritten, 7, 8)),
        (2, "ConsistencyBroken", changed(third, ledger_consistency="")),
        (2, "ConsistencyBroken", changed(third, ledger_consistency=f"{proof},{proof.partition(',')[0]}")),
        (0, "ConsistencyBroken", changed(accepted[0], ledger_consistency=proof)),
    ]
    return {
        "service": SERVICE,
        "verifier": str(Signer("congdoan-ledger", SEED).verifier),
        "entries": [entry.hex() for entry in ENTRIES],
        "accepted": accepted,
        "accepted_too": [{"after": 2, "message": {**third, "note": cosigned}}],
        "refused": [{"after": after, "rule": rule, "message": one} for after, rule, one in refused],
    }


def written() -> str:
    """The file's content."""
    return json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(written())
