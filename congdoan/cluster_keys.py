"""Which keys does whoever installs the services elsewhere have to bring? Made once, each in a file named as its secret,
and beside them what everyone may have: the public half of the ledger's key.

What is there already stays as it is: histories were written with it.
"""

import secrets
from pathlib import Path

from chassis.files import write_whole
from chassis.ledger_keys import ledger_key, make_ledger_key
from chassis.settings import MIN_SECRET_BYTES
from chassis.wrapping_keys import WrappingKeys
from congdoan.services import SERVICES

LEDGER, VERIFIER, WRAPPING = "ledger-key", "ledger.pub", "wrapping-keys"


def make_keys(folder: Path) -> list[Path]:
    """Make the keys that are not there yet, for this user alone; answer the files that were written."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [
        file
        for name in (*(f"{service}-secret" for service in SERVICES), LEDGER, WRAPPING)
        if not (file := folder / name).exists()
    ]
    for file in made:
        if file.name == LEDGER:
            make_ledger_key(file)
            write_whole(folder / VERIFIER, f"{ledger_key(file).verifier}\n".encode())
        elif file.name == WRAPPING:
            WrappingKeys(file).put_first()
        else:
            write_whole(file, secrets.token_hex(MIN_SECRET_BYTES).encode())
    return made
