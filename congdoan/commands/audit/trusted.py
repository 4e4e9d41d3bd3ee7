"""Which key of the ledger does an auditor trust? The one that is told, or that of the suite on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

from congdoan.commands.asking import MISUSED, Lang, errors, fail
from congdoan.texts import say

if TYPE_CHECKING:
    from chassis.ledger.note import Verifier


def trusted_key(key: str, data: Path | None, lang: Lang) -> "Verifier":
    """The key of a text or of a file with it in; without one, that of the suite on this machine."""
    from chassis.ledger.note import NoteUnreadable
    from chassis.ledger_keys import LedgerKeyUnreadable
    from congdoan.ledger import verifier_of

    with errors(lang):
        try:
            return told_key(key) if key else verifier_of(data)
        except (NoteUnreadable, UnicodeDecodeError):
            fail(MISUSED, say("ledger_key_unreadable", lang.value))
        except (LedgerKeyUnreadable, OSError) as error:
            fail(MISUSED, say("failed", lang.value, reason=error))


def told_key(key: str) -> "Verifier":
    """The key of a text ``name+id+key``, or of a file with it in.

    :raises NoteUnreadable: it is none. :raises OSError: the file cannot be read.
    """
    from chassis.ledger.note import Verifier

    return Verifier.read(Path(key).read_text() if "+" not in key else key)
