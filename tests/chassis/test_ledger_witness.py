"""Does a witness keep what follows on, and refuse by its rule whatever contradicts what it keeps?"""

import json
from typing import Any

import pytest

from chassis.ledger.note import Verifier
from chassis.ledger.witness import LedgerRefused, Witness
from tests.chassis.ledger_examples import FILE, written

VECTORS = json.loads(FILE.read_text())
VERIFIER = Verifier.read(VECTORS["verifier"])


class Keeping:
    """A witness that keeps every checkpoint, as clients do."""

    def __init__(self) -> None:
        self.last = Witness(VECTORS["service"])
        self.roots: dict[int, bytes] = {}

    def take(self, message: dict[str, Any]) -> bool:
        """Keep a checkpoint; False when it was kept before."""
        after = self.last.accept(message["note"].encode(), message["headers"], VERIFIER, self.roots.get)
        new, self.last = after != self.last, after
        self.roots[after.size] = after.root
        return new


def kept(many: int) -> Keeping:
    witness = Keeping()
    for message in VECTORS["accepted"][:many]:
        assert witness.take(message)
    return witness


def test_the_examples_for_clients_are_those_of_the_rules() -> None:
    assert FILE.read_text() == written()


def test_checkpoints_that_follow_on_are_kept() -> None:
    witness = kept(3)

    assert (witness.last.size, sorted(witness.roots)) == (8, [3, 7, 8])
    # The root of all eight entries, as the authors of RFC 6962 publish it.
    assert witness.last.root.hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_what_was_kept_may_come_again_from_anywhere() -> None:
    witness = kept(3)

    assert [witness.take(message) for message in VECTORS["accepted"]] == [False] * 3
    assert witness.last.size == 8


def test_signatures_of_others_beside_the_ledgers_do_no_harm() -> None:
    for one in VECTORS["accepted_too"]:
        assert kept(one["after"]).take(one["message"])


@pytest.mark.parametrize("example", VECTORS["refused"], ids=lambda one: f"{one['rule']} after {one['after']}")
def test_what_contradicts_is_refused_by_its_rule_and_nothing_changes(example: dict[str, Any]) -> None:
    witness = kept(example["after"])
    before = (witness.last, dict(witness.roots))

    with pytest.raises(LedgerRefused) as caught:
        witness.take(example["message"])

    assert caught.value.rule == example["rule"]
    assert all("membership" in caught.value.sentence(language) for language in ("vi", "en"))
    assert (witness.last, witness.roots) == before
