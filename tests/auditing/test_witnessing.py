"""Is a province's signature on a checkpoint the province's own, beside the ledger's, and false when it is not?"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chassis.ledger.note import Checkpoint, Signer
from congdoan.auditing.kept import WitnessUnreadable, read_witness
from congdoan.following.state import State
from congdoan.provinces.keys import NotASeed, raw_private_key, seed_of
from congdoan.witnessing import NothingKept, cosigned, largest_kept, witness_signer
from tests.audit.notary import SIGNER

SEED = seed_of(b"the secret of ha-noi is 32 bytes")
CHECKPOINT = Checkpoint("membership", 1250, bytes(32), datetime(2026, 11, 22, tzinfo=UTC))
NOTE = SIGNER.sign(CHECKPOINT.text)


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    file = tmp_path / "ha-noi.nk"
    file.write_text(SEED)
    return file


def test_a_province_signs_what_it_keeps_by_a_key_that_the_hub_has_nothing_signed_by(credentials: Path, tmp_path: Path) -> None:
    signer = witness_signer(credentials)
    note = cosigned(NOTE, signer)
    file = tmp_path / "note"
    file.write_bytes(note)

    found = read_witness(file, SIGNER.verifier, [signer.verifier])

    assert found.signed_by == ("ha-noi",)
    assert [(one.size, one.root, one.source) for one in found.kept("membership", SIGNER.verifier)] == [(1250, bytes(32), "note")]
    assert list(found.kept("welfare", SIGNER.verifier)) == []
    assert cosigned(note, signer) == note, "once is enough"
    assert SIGNER.verifier.open(note) == signer.verifier.open(note) == CHECKPOINT.text
    entering = Signer("ha-noi", raw_private_key(SEED))
    assert entering.verifier.public != signer.verifier.public, "it is not the key that signs what NATS names"
    assert witness_signer(credentials).verifier == signer.verifier
    assert read_witness(file, SIGNER.verifier).signed_by == (), "nobody's key was told"


def test_a_signature_that_is_not_the_provinces_is_refused_and_a_note_that_the_ledger_did_not_sign(
    credentials: Path, tmp_path: Path
) -> None:
    signer, file = witness_signer(credentials), tmp_path / "note"
    another = Checkpoint("membership", 1251, bytes(32), CHECKPOINT.at)
    false = SIGNER.sign(another.text) + cosigned(NOTE, signer).rpartition(b"\n\n")[2].splitlines(keepends=True)[1]
    for note in (false, Signer("ledger", bytes(32)).sign(CHECKPOINT.text), b"", b"no note\n", NOTE[:-9]):
        file.write_bytes(note)
        with pytest.raises(WitnessUnreadable):
            read_witness(file, SIGNER.verifier, [signer.verifier])
    with pytest.raises(WitnessUnreadable):
        read_witness(tmp_path / "none", SIGNER.verifier)
    nameless = tmp_path / "No Code.nk"
    nameless.write_text(SEED)
    with pytest.raises(NotASeed):
        witness_signer(nameless)


def test_the_largest_checkpoint_is_signed_of_a_state_or_of_a_copy(tmp_path: Path) -> None:
    state = State("ha-noi", tmp_path / "state")
    state.keep("membership", NOTE, {"ledger-previous-size": "0", "ledger-consistency": ""}, SIGNER.verifier)
    state.save()
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        copy.execute("create table checkpoints (service text, size integer, root blob, note text)")
        copy.execute("insert into checkpoints values ('membership', 1250, ?, ?)", (bytes(32), NOTE.decode()))

    assert largest_kept(tmp_path / "state", "membership") == largest_kept(tmp_path / "copy.db", "membership") == NOTE
    copied = read_witness(tmp_path / "copy.db", SIGNER.verifier)
    assert [one.size for one in copied.kept("membership", SIGNER.verifier)] == [1250]
    for file, service in ((tmp_path / "state", "welfare"), (tmp_path / "none", "membership")):
        with pytest.raises(NothingKept):
            largest_kept(file, service)


def test_what_the_ledger_did_not_sign_does_not_count(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        copy.execute("create table checkpoints (service text, size integer, root blob, note text)")
        forged = Signer("congdoan-ledger", bytes(32)).sign(CHECKPOINT.text).decode()
        copy.execute("insert into checkpoints values ('membership', 1250, ?, ?)", (bytes(32), forged))
    found = read_witness(tmp_path / "copy.db", SIGNER.verifier)

    assert list(found.kept("membership", SIGNER.verifier)) == []
    assert found.unsigned == 1
    (tmp_path / "other.db").write_bytes(b"SQLite format 3\0 but no more")
    with pytest.raises(WitnessUnreadable):
        list(read_witness(tmp_path / "other.db", SIGNER.verifier).kept("membership", SIGNER.verifier))
