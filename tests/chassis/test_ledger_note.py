"""Is a note the one that others of its kind read, and is a changed one noticed; is the key only used when it is private?"""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from chassis.ledger.note import Checkpoint, NoteUnreadable, NotSigned, Signer, Verifier, hashes_read, hashes_told
from chassis.ledger_keys import LedgerKeyUnreadable, ledger_key, make_ledger_key

SIGNER = Signer("congdoan-ledger", bytes(range(32)))
CHECKPOINT = Checkpoint("membership", 1_250, bytes(range(32)), datetime(2026, 11, 22, 7, 52, 12, tzinfo=UTC))
NOTE = SIGNER.sign(CHECKPOINT.text)
# The key and note with which Go's own package golang.org/x/mod/sumdb/note documents and tests its form.
PETER = Verifier.read("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETERS = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_is_read() -> None:
    text = PETER.open(PETERS.encode())

    assert text.endswith("your problem is.\n")
    assert str(PETER) == "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


def test_a_checkpoint_has_the_lines_that_its_form_promises() -> None:
    origin, size, root, at, empty, signature, end = NOTE.decode().split("\n")

    assert (origin, size, at, empty, end) == ("congdoan/membership", "1250", "time 2026-11-22T07:52:12Z", "", "")
    assert root == b64encode(bytes(range(32))).decode()
    public = SIGNER.verifier.public
    typed = b"\1" + public
    key_id = sha256(b"congdoan-ledger\n" + typed).digest()[:4]
    assert signature.startswith(f"— congdoan-ledger {b64encode(key_id).decode()[:5]}")
    assert str(SIGNER.verifier) == f"congdoan-ledger+{key_id.hex()}+{b64encode(typed).decode()}"


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    verifier = Verifier.read(str(SIGNER.verifier))

    assert Checkpoint.read(verifier.open(NOTE)) == CHECKPOINT
    assert Signer.read(SIGNER.told()).sign(CHECKPOINT.text) == NOTE
    in_hanoi = CHECKPOINT.at.astimezone(timezone(timedelta(hours=7))).replace(microsecond=5)
    assert Checkpoint.read(replace(CHECKPOINT, at=in_hanoi).text) == CHECKPOINT


def test_further_lines_of_a_checkpoint_are_passed_over() -> None:
    assert Checkpoint.read(f"{CHECKPOINT.text}something of a later version\n") == CHECKPOINT


def test_other_signatures_stand_beside_it() -> None:
    other = Signer("witness", bytes(32))
    both = NOTE + other.sign(CHECKPOINT.text).rpartition(b"\n\n")[2]

    assert SIGNER.verifier.open(both) == other.verifier.open(both) == CHECKPOINT.text


@given(st.integers(0, len(NOTE.decode()) - 1), st.characters(codec="utf-8"))
def test_a_note_in_which_a_character_is_changed_is_not_taken(at: int, sign: str) -> None:
    text = NOTE.decode()
    if text[at] != sign:
        with pytest.raises((NotSigned, NoteUnreadable)):
            SIGNER.verifier.open((text[:at] + sign + text[at + 1 :]).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_what_is_no_note_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for note in (data, data + NOTE, NOTE + data):
        if note != NOTE:
            with pytest.raises((NotSigned, NoteUnreadable)):
                SIGNER.verifier.open(note)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        NOTE[:-1],
        NOTE + b"x",
        NOTE + b" \n",
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace(b"congdoan-ledger ", b"congdoan-ledger  "),
        NOTE.replace(b"membership", b"member\x00ship"),
        b"\xff" + NOTE,
        NOTE + NOTE[-20:] * 1_000,
    ],
)
def test_what_is_not_in_the_form_of_a_note_is_unreadable(note: bytes) -> None:
    with pytest.raises(NoteUnreadable):
        SIGNER.verifier.open(note)


def test_a_signature_of_another_length_is_none() -> None:
    line = b64encode(SIGNER.verifier.key_id + bytes(63)).decode()

    with pytest.raises(NotSigned):
        SIGNER.verifier.open(f"{CHECKPOINT.text}\n— congdoan-ledger {line}\n".encode())


def test_a_signature_by_another_key_of_the_same_name_is_none() -> None:
    with pytest.raises(NotSigned):
        SIGNER.verifier.open(Signer("congdoan-ledger", bytes(32)).sign(CHECKPOINT.text))


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (0, "congdoan"),
        (0, "other/membership"),
        (1, "0"),
        (1, "01"),
        (1, "-1"),
        (1, "1e3"),
        (1, "٣"),
        (1, "9" * 20),
        (2, "AAAA"),
        (2, "no base64"),
        (3, "2026-11-22T07:52:12Z"),
        (3, "time 2026-11-22T07:52:12+07:00"),
        (3, "time 2026-13-22T07:52:12Z"),
    ],
)
def test_what_is_no_checkpoint_is_unreadable(line: int, wrong: str) -> None:
    lines = CHECKPOINT.text.split("\n")
    lines[line] = wrong

    with pytest.raises(NoteUnreadable):
        Checkpoint.read("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["", "a+b", "congdoan-ledger+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4", "x y+d1830a93+AA=="]
)
def test_what_is_no_public_key_is_unreadable(text: str) -> None:
    with pytest.raises(NoteUnreadable):
        Verifier.read(text)


def test_hashes_are_told_and_read_alike() -> None:
    for many in range(4):
        told = hashes_told([bytes([number]) * 32 for number in range(many)])
        assert hashes_read(told) == [bytes([number]) * 32 for number in range(many)]
    for wrong in (",", "AAAA", "x", f"{told},"):
        with pytest.raises(NoteUnreadable):
            hashes_read(wrong)


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    make_ledger_key(file)

    assert file.stat().st_mode & 0o777 == 0o600
    signer = ledger_key(file)
    assert signer.verifier.name == "congdoan-ledger"
    Ed25519PublicKey.from_public_bytes(signer.verifier.public)
    with pytest.raises(FileExistsError):
        make_ledger_key(file)
    assert ledger_key(file).verifier == signer.verifier


def test_a_key_that_cannot_be_used_is_refused_without_being_told(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    with pytest.raises(LedgerKeyUnreadable, match="cannot be read"):
        ledger_key(file)
    secret = SIGNER.told()
    for content in (
        "",
        str(SIGNER.verifier),
        secret.removeprefix("PRIVATE+KEY+"),
        secret[:-4],
        secret.replace("d1830a93", "00000000"),
    ):
        file.write_text(content)
        file.chmod(0o600)
        with pytest.raises(LedgerKeyUnreadable, match=r"PRIVATE\+KEY\+name\+id\+key") as caught:
            ledger_key(file)
        assert secret[-20:-4] not in str(caught.value)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(LedgerKeyUnreadable, match="cannot be read"):
        ledger_key(file)
    file.write_text(secret)
    file.chmod(0o604)
    with pytest.raises(LedgerKeyUnreadable, match="open to everyone"):
        ledger_key(file)
